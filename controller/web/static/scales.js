// Scales, ticks and the frame of a picture: as much as two pictures need, and no more.

import { svg } from "./dom.js";

export function linear(from, to, low, high) {
  const ratio = to === from ? 0 : (high - low) / (to - from);
  const scale = (value) => low + (value - from) * ratio;
  scale.ticks = (wanted) => steps(from, to, wanted);
  return scale;
}

export function logarithmic(from, to, low, high) {
  const inner = linear(Math.log(from), Math.log(to), low, high);
  const scale = (value) => inner(Math.log(Math.max(value, from / 2)));
  scale.ticks = (wanted) => {
    const all = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power += 1) {
      for (const digit of [1, 2, 5]) {
        const value = digit * 10 ** power;
        if (value >= from * 0.999 && value <= to * 1.001) all.push(value);
      }
    }
    return all.length > wanted + 2 ? all.filter((v) => /^[1]/.test(v.toExponential())) : all;
  };
  return scale;
}

function steps(from, to, wanted) {
  const rough = (to - from) / Math.max(wanted, 1);
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((s) => s >= rough * 0.999);
  const all = [];
  for (let value = Math.ceil(from / step) * step; value <= to + step * 1e-9; value += step) all.push(Number(value.toPrecision(12)));
  return all;
}

// From zero where values are alike, by powers where they are not.
export function vertical(values, top, bottom) {
  const positive = values.filter((v) => Number.isFinite(v) && v > 0);
  if (!positive.length) return linear(0, 1, bottom, top);
  const low = Math.min(...positive);
  const high = Math.max(...positive);
  return high / low > 12 ? logarithmic(low / 1.15, high * 1.15, bottom, top) : linear(0, high * 1.08, bottom, top);
}

export function horizontalGrid(scale, left, right, words, wanted = 5) {
  return svg("g", { class: "grid" }, scale.ticks(wanted).map((value) => {
    const y = Math.round(scale(value)) + 0.5;
    return [svg("line", { x1: left, x2: right, y1: y, y2: y }), svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, words(value))];
  }));
}

export function limit(y, left, right, words, start = false) {
  const line = Math.round(y) + 0.5;
  return svg("g", { class: "limitline" },
    svg("line", { x1: left, x2: right, y1: line, y2: line }),
    svg("text", { x: start ? left + 6 : right - 4, y: line - 5, "text-anchor": start ? "start" : "end" }, words));
}

export const title = (text, x, y) => svg("text", { class: "charttitle", x, y }, text);

export function path(points) {
  return points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}
