"""A lease as everybody sees it: who holds it, under which term, and how long to wait for him."""

from dataclasses import dataclass

NOBODY = ""
"""The holder of a lease that was given back."""


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What is written where all replicas can read it. No instants: clocks may disagree."""

    holder: str
    """One process, never two of the same name; `NOBODY` once it was given back."""
    term: int
    """Rises with every taking, never falls: the number that fences off whoever held it before."""
    duration_s: float
    """For how long others must see the record unchanged before they may take it."""
    version: str = ""
    """Another one after every write, given by whoever keeps the record: the optimistic lock."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long everything takes. The defaults let another replica act 12 seconds after a death."""

    duration_s: float = 10.0
    """Others take a record that they have seen unchanged for so long."""
    renew_s: float = 2.0
    """The holder renews this often."""
    retry_s: float = 2.0
    """The others look this often, and a holder whose renewal failed tries again after it."""
    margin_s: float = 1.0
    """The holder stops so long before the others may begin: for clocks that run at other speeds
    and for a thread that was held up between looking and acting."""
    call_s: float = 5.5
    """Longest time one call to the record's keeper or to AWS may take."""

    def __post_init__(self) -> None:
        if not 0.0 < self.margin_s < self.duration_s:
            raise ValueError("the margin must be shorter than the lease's duration")
        if self.renew_s + self.margin_s + self.call_s > self.duration_s:
            raise ValueError(
                "between two renewals too little of the lease would remain for one call to AWS"
            )
