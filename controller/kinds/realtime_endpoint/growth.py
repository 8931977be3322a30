"""What demand has become since: bursts of before are as high as demand is now.

After a launch doubles the traffic its bursts are twice as high, and those that are remembered
are half of what will come. So every day of the memory is compared with the newest ones, hour
by hour, and what it saw is raised by as much as demand has grown since then.

A level is a median over hours of the day, so that bursts make none. Only what is sure counts:
the newest days must be above the same days of a week ago (Mondays are no growth after Sundays)
by more than their hours scatter, and above the busier days of back then (a week after a holiday
is no growth either). What has fallen is left as it was: it may come back.
"""

import math

import numpy as np

from controller.core.stats import Z90, Floats

DAY, WEEK = 24, 7
NEWEST = 3
"""Days of which one must show the growth: a weekend in between takes none of it back."""
OLDER = 5
"""Days that are a week old or older, without which nothing is usual."""
BUSY = 0.75
"""Of the days that are a week old or older, a busier one: the quantile of each hour."""
LONGEST = 2 * WEEK
LEAST, MOST = 1.2, 4.0
"""Less comes and goes; and two doublings in two weeks are believed, but no more."""
QUIETEST_RPS = 1.0 / 3600.0
"""One request an hour: below that there is no level."""
MAD_SD = 1.4826
"""Standard deviation per median absolute deviation, of a normal distribution …"""
MEDIAN_SD = 1.2533
"""… and that of a median of many per that of a mean."""


def growth(hourly: Floats) -> Floats:
    """By how much demand has grown since each hour, oldest first: 1 to `MOST`, the newest day 1.
    All ones for less than twelve days."""
    factors = np.ones(len(hourly))
    days = min(len(hourly) // DAY, LONGEST)
    if days < WEEK + OLDER:
        return factors
    level = np.log(np.maximum(hourly[len(hourly) - days * DAY :], QUIETEST_RPS))
    by_day = level.reshape(days, DAY)[::-1]
    rise, doubt = _rise(by_day)
    above = np.median(by_day[:NEWEST] - np.quantile(by_day[WEEK:], BUSY, axis=0), axis=1)
    sure = np.minimum(rise[:NEWEST] - Z90 * doubt[:NEWEST], above)
    grown = min(float(sure.max()), math.log(MOST))
    if grown < math.log(LEAST):
        return factors
    # A day of the newer week had its part of the growth already, as far as it shows.
    newer = np.clip(grown - rise, 0.0, grown)
    known = min(len(newer), WEEK)
    since = np.full(days, grown)
    since[:known] = newer[:known]
    since[known:WEEK] = newer[known - 1]
    since[0] = 0.0
    factors[: len(hourly) - days * DAY] = math.exp(grown)
    factors[len(hourly) - days * DAY :] = np.repeat(np.exp(since[::-1]), DAY)
    return factors


def _rise(by_day: Floats) -> tuple[Floats, Floats]:
    """(log of each day over the same day a week before, newest first; standard error)."""
    apart = by_day[:-WEEK] - by_day[WEEK:]
    rise = np.median(apart, axis=1)
    scatter = MAD_SD * np.median(np.abs(apart - rise[:, None]), axis=1)
    return rise, MEDIAN_SD * scatter / math.sqrt(DAY)
