// What each size gives and costs: latency above, dollars a month below, sizes side by side.
// Two pictures with one axis of sizes rather than one with two scales, which can be read in
// any way one likes by moving a scale.

import { drawn, fill, h, svg } from "./dom.js";
import { horizontalGrid, limit, linear, logarithmic, path, title, vertical } from "./scales.js";
import { known, measuredAs, missing, ms, number, percent, range, same, size, usd } from "./words.js";

const LEFT = 58;
const RIGHT = 12;
const UPPER = [26, 206];
const LOWER = [252, 372];
const MOST = 24;

export function costChart(said) {
  const rows = inOrder(said.costTable.length ? said.costTable : (said.candidates ?? []).map(likeCost));
  if (!rows.length) return h("p", { class: "quiet" }, "No size could be estimated yet.");
  const continuous = rows.every((row) => !("maxConcurrency" in row.size) && "memoryMb" in row.size);
  const shown = continuous ? rows : brief(rows, said);
  const start = Math.max(0, shown.findIndex((row) => same(row.size, said.desiredSize)));
  const picture = h("div", { class: "chart" });
  const told = h("p", { class: "picked", "aria-live": "polite" });
  const slider = h("input", { type: "range", min: 0, max: shown.length - 1, value: start, "aria-label": "Size to look at" });
  let chosen = start;
  let move = () => {};
  const choose = (place) => {
    chosen = place;
    slider.value = String(place);
    slider.setAttribute("aria-valuetext", size(shown[place].size));
    tell(told, shown[place], said);
    move(place);
  };
  slider.addEventListener("input", () => choose(Number(slider.value)));
  drawn(picture, (width) => { move = draw(picture, width, shown, said, continuous, choose); move(chosen); });
  choose(start);
  const left = rows.length - shown.length;
  return h("div", {}, legend(), picture, shown.length > 1 ? slider : null, told,
    left ? h("p", { class: "quiet" }, `${left} more sizes are in the table below.`) : null);
}

const likeCost = (candidate) => ({ ...candidate, meetsSlo: false, fitsBudget: null });
const mid = (interval) => (interval && missing(interval) === null ? interval.mid : NaN);

export function inOrder(rows) {
  const byCost = rows.some((row) => "instanceType" in row.size);
  const value = (row) => (byCost ? (Number.isFinite(mid(row.usdPerMonth)) ? mid(row.usdPerMonth) : Infinity) : row.size.memoryMb * 1000 + (row.size.maxConcurrency ?? 0));
  return [...rows].sort((a, b) => value(a) - value(b));
}

function brief(rows, said) {
  if (rows.length <= MOST) return rows;
  const weight = (row) => (same(row.size, said.currentSize) || same(row.size, said.desiredSize) ? -1 : row.meetsSlo ? mid(row.usdPerMonth) : 1e9 + mid(row.usdPerMonth));
  const kept = new Set([...rows].sort((a, b) => weight(a) - weight(b)).slice(0, MOST));
  return rows.filter((row) => kept.has(row));
}

function draw(root, width, rows, said, continuous, choose) {
  const right = width - RIGHT;
  const places = rows.map((_, place) => place);
  const memory = rows.map((row) => row.size.memoryMb);
  const spread = continuous && rows.length > 1 ? logarithmic(memory[0], memory.at(-1), LEFT + 10, right - 10) : null;
  const slot = (right - LEFT) / rows.length;
  const x = (place) => (spread ? spread(memory[place]) : LEFT + slot * (place + 0.5));
  const { sloMs, budgetUsdPerMonth, percentile } = said.objective;
  const seen = new Map(said.measured.map((one) => [measuredAs(one.size), one]));
  const measured = rows.map((row) => seen.get(measuredAs(row.size)));
  const ends = (name) => rows.flatMap((row) => (row[name] && missing(row[name]) === null ? [row[name].low, row[name].high] : []));
  const yMs = vertical([...ends("p95Ms"), sloMs, ...measured.flatMap((m) => (m ? [m.p95Ms.low, m.p95Ms.high] : []))], ...UPPER);
  const yUsd = vertical([...ends("usdPerMonth"), ...(budgetUsdPerMonth ? [budgetUsdPerMonth] : [])], ...LOWER);
  const guide = svg("line", { class: "guide", y1: UPPER[0], y2: LOWER[1] });
  const slanted = !continuous && slot < 110;
  const height = LOWER[1] + (slanted ? 96 : 30);
  const name = `p${number(percentile * 100)}`;
  fill(root, svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary(rows, said) },
    horizontalGrid(yMs, LEFT, right, number), horizontalGrid(yUsd, LEFT, right, (v) => `$${number(v)}`, 4),
    title(`${name} latency, ms`, LEFT, 14), title("Cost, $ a month", LEFT, LOWER[0] - 12),
    guide,
    intervals(rows, "p95Ms", x, yMs, continuous), intervals(rows, "usdPerMonth", x, yUsd, continuous),
    limit(yMs(sloMs), LEFT, right, `SLO ${ms(sloMs)}`),
    budgetUsdPerMonth ? limit(yUsd(budgetUsdPerMonth), LEFT, right, `Budget ${usd(budgetUsdPerMonth)}`, true) : null,
    places.map((place) => (measured[place] ? diamond(x(place), measured[place].p95Ms, yMs) : null)),
    places.map((place) => [marker(rows[place], x(place), yMs(mid(rows[place].p95Ms)), said, continuous), marker(rows[place], x(place), yUsd(mid(rows[place].usdPerMonth)), said, continuous)]),
    continuous ? memoryAxis(spread, memory, x) : names(rows, x, slanted),
    svg("rect", { class: "catch", x: LEFT, y: 0, width: right - LEFT, height: LOWER[1], onpointermove: (event) => choose(nearest(event, places, x)), onpointerdown: (event) => choose(nearest(event, places, x)) })));
  return (place) => { guide.setAttribute("x1", x(place)); guide.setAttribute("x2", x(place)); };
}

function nearest(event, places, x) {
  const at = event.clientX - event.currentTarget.ownerSVGElement.getBoundingClientRect().left;
  return places.reduce((best, place) => (Math.abs(x(place) - at) < Math.abs(x(best) - at) ? place : best), 0);
}

function intervals(rows, name, x, y, continuous) {
  const seen = rows.map((row, place) => [place, row[name]]).filter(([, value]) => value && missing(value) === null);
  if (!continuous) {
    return svg("g", { class: "whiskers" }, seen.map(([place, value]) => svg("path", { d: whisker(x(place), y(value.low), y(value.high)) })));
  }
  const upper = seen.map(([place, value]) => [x(place), y(value.high)]);
  const lower = seen.map(([place, value]) => [x(place), y(value.low)]).reverse();
  return svg("g", {}, svg("path", { class: "band", d: `${path([...upper, ...lower])}Z` }),
    svg("path", { class: "middle", d: path(seen.map(([place, value]) => [x(place), y(value.mid)])) }));
}

const whisker = (x, low, high) => `M${x - 5} ${high}h10M${x} ${high}V${low}M${x - 5} ${low}h10`;

function diamond(x, value, y) {
  const at = y(value.mid);
  return svg("g", { class: "measured" }, svg("path", { class: "line", d: `M${x} ${y(value.low)}V${y(value.high)}` }),
    svg("path", { d: `M${x} ${at - 6}l6 6l-6 6l-6 -6z` }));
}

function marker(row, x, y, said, continuous) {
  if (!Number.isFinite(y)) return null;
  const current = same(row.size, said.currentSize);
  const wanted = !current && same(row.size, said.desiredSize);
  const kind = row.meetsSlo ? "meets" : "fails";
  const radius = continuous && !wanted && !current ? 2.2 : 4.5;
  const cross = `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`;
  return svg("g", { class: `marker ${kind}` },
    kind === "fails" && !continuous ? svg("path", { class: "cross", d: cross }) : svg("circle", { cx: x, cy: y, r: radius }),
    wanted ? svg("circle", { class: "wanted", cx: x, cy: y, r: 6 }) : null,
    current ? svg("circle", { class: "current", cx: x, cy: y, r: 9 }) : null);
}

function memoryAxis(scale, memory, x) {
  const round = [128, 256, 512, 1024, 2048, 3072, 4096, 6144, 10240].filter((mb) => mb >= memory[0] && mb <= memory.at(-1));
  const wanted = scale ? round : memory;
  let last = -100;
  return svg("g", { class: "axis" }, wanted.map((mb) => {
    const at = scale ? scale(mb) : x(0);
    if (at - last < 48) return null;
    last = at;
    return svg("text", { x: at, y: LOWER[1] + 20, "text-anchor": "middle" }, mb < 1024 ? `${mb} MB` : `${number(mb / 1024)} GB`);
  }));
}

function names(rows, x, slanted) {
  return svg("g", { class: "axis" }, rows.map((row, place) => {
    const at = [x(place), LOWER[1] + 18];
    const text = size(row.size, true);
    return slanted
      ? svg("text", { transform: `translate(${at[0] + 4} ${at[1] - 2}) rotate(-40)`, "text-anchor": "end" }, text)
      : svg("text", { x: at[0], y: at[1], "text-anchor": "middle" }, text);
  }));
}

function tell(root, row, said) {
  const marks = [same(row.size, said.currentSize) ? "live" : "", same(row.size, said.desiredSize) && !same(row.size, said.currentSize) ? "wanted" : ""].filter(Boolean);
  const seen = said.measured.find((one) => measuredAs(one.size) === measuredAs(row.size));
  fill(root, h("b", {}, size(row.size)), marks.length ? ` (${marks.join(", ")})` : "", `: ${row.verdict}. `,
    `p${number(said.objective.percentile * 100)} ${range(row.p95Ms, number)} ms`, known(row.pSlo) ? `, meets the SLO with ${percent(row.pSlo)}` : "",
    `; ${range(row.usdPerMonth, usd)} a month. `,
    row.because ? `${capital(row.because)}. ` : "",
    h("span", { class: "quiet" }, `Rests on: ${row.evidence}.`, seen ? ` Measured: ${number(seen.p95Ms.mid)} ms in ${number(seen.requests)} requests${"instanceType" in row.size ? ", under the load that its instances then had" : ""}.` : ""));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function summary(rows, said) {
  const live = rows.find((row) => same(row.size, said.currentSize));
  const wanted = rows.find((row) => same(row.size, said.desiredSize));
  const words = (row) => `${size(row.size)}: ${range(row.p95Ms, number)} ms, ${range(row.usdPerMonth, usd)} a month`;
  return [`Predicted latency and monthly cost of ${rows.length} sizes; the objective is ${ms(said.objective.sloMs)}.`,
    live ? `Live: ${words(live)}.` : "", wanted && wanted !== live ? `Wanted: ${words(wanted)}.` : "", "The table of sizes below has the numbers."].filter(Boolean).join(" ");
}

function legend() {
  const one = (shape, word) => h("li", {}, svg("svg", { width: 22, height: 18, "aria-hidden": "true" }, shape), word);
  return h("ul", { class: "legend" },
    one(svg("g", { class: "marker meets" }, svg("circle", { cx: 11, cy: 9, r: 4.5 }), svg("circle", { class: "current", cx: 11, cy: 9, r: 8 })), "live"),
    one(svg("g", { class: "marker meets" }, svg("circle", { cx: 11, cy: 9, r: 4.5 }), svg("circle", { class: "wanted", cx: 11, cy: 9, r: 6 })), "wanted"),
    one(svg("g", { class: "marker meets" }, svg("circle", { cx: 11, cy: 9, r: 4 })), "meets the SLO"),
    one(svg("g", { class: "marker fails" }, svg("circle", { cx: 11, cy: 9, r: 4 })), "does not, surely enough"),
    one(svg("path", { class: "band", d: "M0 4h22v10h-22z" }), "90 % interval"),
    one(svg("g", { class: "measured" }, svg("path", { d: "M11 3l6 6l-6 6l-6 -6z" })), "measured"));
}
