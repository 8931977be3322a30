// What happened: latency above, demand below, changes across both.

import { drawn, fill, h, svg } from "./dom.js";
import { horizontalGrid, limit, linear, path, title, vertical } from "./scales.js";
import { arrow, day, measuredAs, ms, number, when } from "./words.js";

const LEFT = 58;
const RIGHT = 12;
const UPPER = [40, 190];
const LOWER = [232, 322];
const HEIGHT = 350;

export function timeChart(history) {
  if (!history.points.length) {
    return h("p", { class: "quiet" }, "No hour in this time had enough requests to tell a latency.");
  }
  const picture = h("div", { class: "chart" });
  drawn(picture, (width) => draw(picture, width, history));
  return h("div", {}, legend(history), picture);
}

function draw(root, width, history) {
  const right = width - RIGHT;
  const step = history.stepSeconds * 1000;
  const points = history.points.map((point) => ({ ...point, t: Date.parse(point.at) }));
  const x = linear(Math.min(points[0].t, Date.parse(history.until) - 6 * step), Date.parse(history.until), LEFT, right);
  const { sloMs, percentile } = history.objective;
  const yMs = vertical([sloMs, ...points.flatMap((p) => [p.p95Ms.low, p.p95Ms.high])], ...UPPER);
  const load = demand(points);
  const yLoad = linear(0, Math.max(...load.map(([, rps]) => rps), 1e-9) * 1.08, LOWER[1], LOWER[0]);
  fill(root, svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "group", "aria-label": summary(history, points) },
    horizontalGrid(yMs, LEFT, right, number), horizontalGrid(yLoad, LEFT, right, number, 3),
    days(x, points[0].t, Date.parse(history.until), right),
    title(`p${number(percentile * 100)} latency, ms`, LEFT, 14), title("Requests a second", LEFT, LOWER[0] - 10),
    runs(points, step).map((run) => series(run, x, yMs, step)),
    area(load, x, yLoad, step),
    limit(yMs(sloMs), LEFT, right, `SLO ${ms(sloMs)}`, true),
    history.changes.map((change) => mark(change, x)).filter(Boolean)));
}

// All sizes' requests of one interval together are what the traffic asked.
function demand(points) {
  const sums = new Map();
  for (const point of points) sums.set(point.t, (sums.get(point.t) ?? 0) + point.requestsPerSecond);
  return [...sums].sort(([a], [b]) => a - b);
}

// Lines end where the size changes or data is missing: nothing is drawn that was not seen.
function runs(points, step) {
  const open = new Map();
  const all = [];
  for (const point of points) {
    const key = measuredAs(point.size);
    const run = open.get(key);
    if (run && point.t - run.at(-1).t <= step * 1.5) run.push(point);
    else {
      const fresh = [point];
      open.set(key, fresh);
      all.push(fresh);
    }
  }
  return all;
}

const shades = (history) => [...new Set(history.points.map((point) => measuredAs(point.size)))];

function series(run, x, y, step) {
  const shade = `shade${shadeOf(run[0].size)}`;
  const at = (point) => x(point.t + step / 2);
  const band = [...run.map((p) => [at(p), y(p.p95Ms.high)]), ...[...run].reverse().map((p) => [at(p), y(p.p95Ms.low)])];
  const single = run.length === 1;
  return svg("g", { class: `series ${shade}` },
    single ? null : svg("path", { class: "band", d: `${path(band)}Z` }),
    single ? svg("circle", { cx: at(run[0]), cy: y(run[0].p95Ms.mid), r: 2.5 }) : svg("path", { class: "middle", d: path(run.map((p) => [at(p), y(p.p95Ms.mid)])) }));
}

let known = [];
const shadeOf = (document) => Math.max(0, known.indexOf(measuredAs(document))) % 4;

function area(load, x, y, step) {
  const parts = load.map(([t, rps]) => `M${x(t).toFixed(1)} ${LOWER[1]}V${y(rps).toFixed(1)}H${x(t + step).toFixed(1)}V${LOWER[1]}Z`);
  return svg("path", { class: "area", d: parts.join("") });
}

function days(x, from, to, right) {
  const wanted = Math.max(2, Math.floor((right - LEFT) / 70));
  const every = Math.max(1, Math.ceil((to - from) / 86400000 / wanted)) * 86400000;
  const all = [];
  for (let t = Math.ceil(from / 86400000) * 86400000; t <= to; t += every) {
    const at = Math.round(x(t)) + 0.5;
    all.push(svg("line", { x1: at, x2: at, y1: UPPER[0], y2: LOWER[1] }), at < right - 20 ? svg("text", { x: at, y: LOWER[1] + 18, "text-anchor": "middle" }, day.format(t)) : null);
  }
  return svg("g", { class: "grid days" }, all.map((one) => one ?? []));
}

function mark(change, x) {
  const at = x(Date.parse(change.plannedAt));
  if (at < LEFT) return null;
  const end = change.finishedAt ? x(Date.parse(change.finishedAt)) : at;
  const words = `Change ${change.id}, ${change.phase}: ${arrow(change.before, change.target)}, ${when(change.plannedAt)}`;
  return svg("a", { href: `#/changes/${change.id}`, class: `changemark ${change.phase}`, "aria-label": words },
    svg("title", {}, words),
    svg("rect", { x: at, y: UPPER[0] - 8, width: Math.max(end - at, 1), height: LOWER[1] - UPPER[0] + 8 }),
    svg("line", { x1: at, x2: at, y1: UPPER[0] - 8, y2: LOWER[1] }),
    svg("path", { d: `M${at - 6} ${UPPER[0] - 18}h12l-6 10z` }));
}

function summary(history, points) {
  const last = points.at(-1);
  return `Latency and demand from ${when(history.points[0].at)} to ${when(history.until)}: last ${ms(last.p95Ms.mid)} of ${ms(history.objective.sloMs)} at ${number(last.requestsPerSecond)} requests a second; ${history.changes.length} changes.`;
}

function legend(history) {
  known = shades(history);
  const line = (shade) => svg("svg", { width: 22, height: 12, "aria-hidden": "true", class: `series shade${shade % 4}` }, svg("path", { class: "middle", d: "M1 6h20" }));
  const word = (key) => (/^\d+$/.test(key) ? `${key} MB` : key);
  return h("ul", { class: "legend" }, known.map((key, place) => h("li", {}, line(place), word(key))),
    history.changes.length ? h("li", { class: "changemark" }, svg("svg", { width: 14, height: 12, "aria-hidden": "true" }, svg("path", { d: "M1 1h12l-6 10z" })), "change (follow it for its history)") : null);
}
