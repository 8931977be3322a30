// Numbers, sizes, times and states in words.

export const KINDS = {
  lambda_function: "Lambda",
  serverless_endpoint: "Serverless",
  realtime_endpoint: "Real-time",
};

export const STATES = {
  Unreachable: { word: "Unreachable", tone: "bad", mark: "✕" },
  Breached: { word: "SLO breached", tone: "bad", mark: "▲" },
  Changing: { word: "Changing", tone: "busy", mark: "↻" },
  Paused: { word: "Paused", tone: "hold", mark: "❙❙" },
  ChangeWanted: { word: "Change wanted", tone: "want", mark: "→" },
  Unknown: { word: "Unknown", tone: "hold", mark: "?" },
  Waiting: { word: "Watching", tone: "calm", mark: "○" },
  Steady: { word: "Steady", tone: "good", mark: "✓" },
};

export const known = (value) => typeof value === "number" && Number.isFinite(value);
export const missing = (value) =>
  value !== null && typeof value === "object" && "missing" in value ? value.missing : null;

export function number(value) {
  if (!known(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return String(Number(value.toPrecision(size >= 1 ? 3 : 2)));
}

// A space at which no line is broken.
const KEPT = "\u00a0";

export const ms = (value) => (known(value) ? `${number(value)} ms` : "–");

export function usd(value) {
  if (!known(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 0.995 || size === 0 ? 2 : size >= 0.01 ? 3 : 5;
  const text = size.toLocaleString("en-US", { minimumFractionDigits: Math.min(digits, 2), maximumFractionDigits: digits });
  return `${value < 0 ? "−" : ""}$${text}`;
}

export function percent(value) {
  if (!known(value)) return "–";
  const hundredth = value * 100;
  if (hundredth > 0 && hundredth < 0.1) return "< 0.1 %";
  if (hundredth < 100 && hundredth > 99.9) return "> 99.9 %";
  const digits = hundredth < 10 || (hundredth > 99 && hundredth < 100) ? 1 : 0;
  return `${Number(hundredth.toFixed(digits)).toLocaleString("en-US")} %`;
}

export function range(value, show) {
  if (!value || missing(value) !== null) return "–";
  const low = show(value.low);
  const high = show(value.high);
  return low === high ? low : `${low} – ${high}`;
}

export function count(value, one, many = `${one}s`) {
  return `${Number(value).toLocaleString("en-US")} ${value === 1 ? one : many}`;
}

export function size(document, brief = false) {
  if (!document) return "–";
  if ("instanceType" in document) {
    const { minInstances: low, maxInstances: high } = document;
    const type = document.instanceType.replace(/^ml\./, "");
    const target = document.targetInvocationsPerMinute;
    const at = target === null || brief ? "" : ` at ${number(target)}/min`;
    const timed = document.schedule?.length && !brief ? `, ${document.schedule.length} scheduled` : "";
    return `${low === high ? low : `${low}–${high}`}${KEPT}×${KEPT}${type}${at}${timed}`;
  }
  if ("maxConcurrency" in document) {
    const warm = document.provisionedConcurrency ? `, ${document.provisionedConcurrency} warm` : "";
    return `${document.memoryMb}${KEPT}MB${KEPT}×${KEPT}${document.maxConcurrency}${warm}`;
  }
  return `${document.memoryMb}${KEPT}MB`;
}

export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// What latency depends on: evidence is kept under it.
export const measuredAs = (document) => document.instanceType ?? String(document.memoryMb);

export function arrow(before, after) {
  if (!after || same(before, after)) return size(before);
  if (before && "memoryMb" in before && !("maxConcurrency" in before)) return `${before.memoryMb} →${KEPT}${after.memoryMb}${KEPT}MB`;
  return `${size(before, true)} →${KEPT}${size(after, true)}`;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
export const day = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });

export const when = (text) => (text ? `${clock.format(new Date(text))} UTC` : "–");

export function span(seconds) {
  const steps = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const [length, unit] = steps.find(([s]) => seconds >= s) ?? [1, "s"];
  return `${Math.round(seconds / length)} ${unit}`;
}
