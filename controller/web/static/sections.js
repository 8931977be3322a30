// Tables and texts that several views share.

import { inOrder } from "./cost_chart.js";
import { h } from "./dom.js";
import { KINDS, arrow, known, missing, number, percent, range, same, size, usd, when } from "./words.js";

// Rows are lists of cells, or { tone, cells }. On a phone a table folds into one card for
// each row, except one that is `wide` because its columns are to be compared. The roles are
// said aloud because that folding would end them.
export function table(caption, columns, rows, empty, wide = false) {
  if (!rows.length) return h("p", { class: "quiet" }, empty);
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${caption}, table` },
    h("table", { role: "table", class: wide ? null : "stack" }, h("caption", { class: "sr" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map(([word, type]) => h("th", { scope: "col", role: "columnheader", class: type ?? null }, word)))),
      h("tbody", { role: "rowgroup" }, rows.map((row) => (Array.isArray(row) ? line(columns, row, null) : line(columns, row.cells, row.tone))))));
}

const line = (columns, cells, tone) => h("tr", { role: "row", class: tone || null },
  cells.map((value, place) => h("td", { role: "cell", class: columns[place][1] ?? null, "data-label": columns[place][0] }, h("div", {}, value))));

const SIZES = [["Size", "sizes"], ["Latency, ms", "num"], ["P(SLO)", "num"], ["$ / month", "num"], ["$ / 1M requests", "num"], ["Verdict"], ["Why", "text"], ["Rests on", "text"]];
const FEW = 14;

export function sizes(said) {
  const rows = inOrder(said.costTable.length ? said.costTable : said.candidates ?? []);
  const near = new Set(inBrief(rows, said));
  const body = rows.map((row) => sizeRow(row, said, !near.has(row)));
  const shown = table("Sizes", SIZES, body, "No size could be estimated yet.", true);
  const hidden = rows.length - near.size;
  if (!hidden) return shown;
  shown.classList.add("folded");
  const more = h("button", { type: "button", class: "more", onclick: () => { shown.classList.remove("folded"); more.remove(); } }, `Show ${hidden} more sizes`);
  return [shown, more];
}

// The live and the wanted size with their neighbours, the ends, and round sizes.
function inBrief(rows, said) {
  if (rows.length <= FEW) return rows;
  const kept = new Set([0, rows.length - 1]);
  rows.forEach((row, place) => {
    if (same(row.size, said.currentSize) || same(row.size, said.desiredSize)) [-1, 0, 1].forEach((step) => kept.add(place + step));
    if (Number.isInteger(Math.log2(row.size.memoryMb ?? 3))) kept.add(place);
  });
  return rows.filter((_, place) => kept.has(place));
}

function sizeRow(row, said, extra) {
  const live = same(row.size, said.currentSize);
  const wanted = same(row.size, said.desiredSize) && !live;
  const values = [
    [size(row.size), live ? h("span", { class: "tag" }, "live") : null, wanted ? h("span", { class: "tag want" }, "wanted") : null],
    range(row.p95Ms, number), percent(row.pSlo), range(row.usdPerMonth, usd),
    known(row.usdPerMillionRequests) ? usd(row.usdPerMillionRequests) : "–",
    h("span", { class: `verdict ${row.verdict}` }, row.verdict), row.because, row.evidence,
  ];
  return { tone: [live ? "live" : "", wanted ? "wanted" : "", extra ? "extra" : ""].join(" ").trim(), cells: values };
}

const GUARDS = [["Guard"], ["Says", "nowrap"], ["Reason"], ["Why", "text"], ["Until", "nowrap"]];
export function guards(all) {
  const rows = all.map((guard) => [guard.guard, h("span", { class: guard.allowed ? "good" : "bad" }, guard.allowed ? "✓ yes" : "✕ no"), guard.reason ?? "", guard.message, guard.until ? when(guard.until) : ""]);
  return table("Guards", GUARDS, rows, "No guard was asked.");
}

const CONDITIONS = [["Condition"], ["Status"], ["Reason"], ["Message", "text"]];
const GOOD = { Ready: "True", DataFresh: "True", SloMet: "True", WithinBudget: "True", Degraded: "False", Drifted: "False" };
export function conditions(all) {
  const tone = (one) => (one.status === "Unknown" || !(one.type in GOOD) ? "" : GOOD[one.type] === one.status ? "good" : "bad");
  const rows = all.map((one) => [one.type, h("span", { class: tone(one) }, one.status), one.reason, one.message]);
  return table("Conditions", CONDITIONS, rows, "None yet.");
}

export const advice = (all) => h("ul", { class: "advice" }, all.map((one) => h("li", {}, h("b", {}, one.reason), `: ${one.message}`,
  missing(one.savesUsdPerMonth) === null ? h("span", { class: "quiet" }, ` (${range(one.savesUsdPerMonth, usd)} a month)`) : null)));

const HOSTING = [["Hosting"], ["Size"], ["$ / month", "num"], ["Even at requests / s", "num"], ["If", "text"]];
export function hosting(lines) {
  const rows = lines.map((line) => ({ tone: line.present ? "live" : "", cells: [[KINDS[line.kind] ?? line.kind, line.present ? h("span", { class: "tag" }, "in use") : null], line.what, range(line.usdPerMonth, usd), number(line.breakEvenRequestsPerSecond), line.assumes] }));
  return [h("p", { class: "quiet" }, "What the same demand would cost; never carried out."), table("Hosting", HOSTING, rows, "")];
}

export function changesTable(all, { own }) {
  const columns = [["#", "num"], ...(own ? [] : [["Endpoint"]]), ["Change", "nowrap"], ["Phase"], ["Reason"], ["By"], ["Planned", "nowrap"], ["Finished", "nowrap"]];
  const rows = all.map((change) => [
    h("a", { href: `#/changes/${change.id}`, "aria-label": `Change ${change.id}` }, String(change.id)),
    ...(own ? [] : [h("a", { href: `#/endpoints/${change.endpoint.key.split("/").map(encodeURIComponent).join("/")}` }, `${change.endpoint.name}:${change.endpoint.qualifier}`)]),
    arrow(change.before, change.target), phase(change.phase), change.reason, change.actor, when(change.plannedAt), change.finishedAt ? when(change.finishedAt) : "under way",
  ]);
  return table("Changes", columns, rows, "Nothing was changed yet.");
}

const PHASES = { Verified: "good", RolledBack: "bad", Failed: "bad", Unverified: "hold" };
export const phase = (word) => h("span", { class: `badge ${PHASES[word] ?? "busy"}` }, word);

export function document(policy) {
  return [h("p", { class: "quiet" }, h("a", { href: `#/policies/${encodeURIComponent(policy.name)}` }, policy.name), ` from ${policy.source}, generation ${policy.generation}`),
    h("pre", { tabindex: 0, role: "region", "aria-label": `Policy ${policy.name}` }, yaml(policy.document))];
}

// Enough of YAML to read a policy: text that could be taken for something else is quoted.
export function yaml(value, indent = "") {
  if (Array.isArray(value)) {
    if (!value.length) return "[]";
    if (value.every((item) => typeof item !== "object")) return `[${value.map(scalar).join(", ")}]`;
    return value.map((item) => `\n${indent}- ${yaml(item, `${indent}  `).trimStart()}`).join("");
  }
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value);
    if (!entries.length) return "{}";
    return entries.map(([name, item]) => {
      const text = yaml(item, `${indent}  `);
      return `\n${indent}${name}:${text.startsWith("\n") ? text : ` ${text}`}`;
    }).join("").slice(indent ? 0 : 1);
  }
  return scalar(value);
}

function scalar(value) {
  if (typeof value !== "string") return String(value);
  return /^[A-Za-z][\w ./%*-]*$|^\d+(\.\d+)?(ms|s|m|h|d|MB|%| USD)$/.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value) ? value : JSON.stringify(value);
}
