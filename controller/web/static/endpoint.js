// One endpoint: why it has its size, and what every other would do.

import { look, path } from "./api.js";
import { costChart } from "./cost_chart.js";
import { fill, h } from "./dom.js";
import { badge, because } from "./fleet.js";
import { advice, changesTable, conditions, document as policyText, guards, hosting, sizes } from "./sections.js";
import { timeChart } from "./time_chart.js";
import { KINDS, arrow, known, ms, number, percent, same, usd, when } from "./words.js";

const SPANS = [[1, "1 day"], [7, "7 days"], [14, "14 days"], [30, "30 days"]];

export class Endpoint {
  constructor(root, key) {
    this.root = root;
    this.key = key;
    this.title = key.split("/").at(-1);
    this.days = 14;
    this.top = h("div", {});
    this.cost = h("div", {});
    this.time = h("div", {});
    this.rest = h("div", {});
    this.spans = h("div", { class: "chips", role: "group", "aria-label": "Time shown" });
    fill(root, this.top,
      section("picture", "Cost and latency by size", this.cost),
      section("history", "Latency and demand over time", this.spans, this.time), this.rest);
    this.span();
  }

  span() {
    fill(this.spans, SPANS.map(([days, word]) => h("button", {
      type: "button", class: "chip", "aria-pressed": this.days === days ? "true" : "false",
      onclick: () => { this.days = days; this.span(); this.past(); },
    }, word)));
  }

  async past(signal) {
    const history = await look(`endpoints/${path(this.key)}/history?days=${this.days}`, signal);
    if (this.history && same(this.history, history)) return;
    this.history = history;
    fill(this.time, timeChart(history));
  }

  async refresh(signal) {
    const [said] = await Promise.all([look(`endpoints/${path(this.key)}`, signal), this.past(signal)]);
    if (this.said && same(this.said, said)) return;
    const open = new Set([...this.rest.querySelectorAll("details[open]")].map((one) => one.id));
    this.said = said;
    this.show(said);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  }

  show(said) {
    const { row } = said;
    this.title = row.name;
    fill(this.top,
      h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Fleet"), " / ", KINDS[row.kind]),
      h("div", { class: "headline" }, h("h1", {}, row.name), badge(row.state)),
      h("p", { class: "key" }, h("code", {}, row.key)),
      h("p", { class: "sentence" }, row.reason ? [h("b", {}, row.reason), ": "] : null, because(row)),
      notices(said), facts(said));
    fill(this.cost, costChart(said));
    fill(this.rest, sections(said));
  }
}

function section(id, title, ...content) {
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), content);
}

function notices(said) {
  const all = said.pauses.map((pause) => `Paused by ${pause.actor}${pause.until ? ` until ${when(pause.until)}` : " until resumed"}: ${pause.reason || "no reason given"}.`);
  if (said.conflictsWith) all.push(`Also claimed by ${said.conflictsWith}: nothing is done until only one policy claims it.`);
  if (!said.fresh) all.push("Not looked at since the controller started; this is what the journal knows.");
  return all.map((text) => h("p", { class: "notice" }, text));
}

function facts(said) {
  const { row } = said;
  const budget = row.budgetUsdPerMonth;
  const slo = said.slo?.missing === undefined ? said.slo : null;
  return h("dl", { class: "facts" },
    fact(`p${number(row.percentile * 100)} latency`, known(row.p95Ms) ? ms(row.p95Ms) : "–", `${row.attainment}: objective ${ms(row.sloMs)}${slo ? `, ${number(slo.slow)} of ${number(slo.requests)} requests slower` : ""}`, row.attainment === "Breached" ? "bad" : ""),
    fact("Slow budget used", percent(row.slowBudgetUsed), `of the slow requests allowed in two weeks (${percent(1 - row.percentile)} of all)`, row.slowBudgetUsed > 1 ? "bad" : ""),
    fact("Cost", known(row.usdPerMonth) ? `${usd(row.usdPerMonth)} a month` : "–", budget ? `${percent(row.usdPerMonth / budget)} of the budget of ${usd(budget)}` : "no budget is set", budget && row.usdPerMonth > budget ? "bad" : ""),
    fact("Size", arrow(row.currentSize, row.desiredSize), savings(row)),
    fact("Mode", row.mode, h("a", { href: `#/policies/${encodeURIComponent(row.policy)}` }, `policy ${row.policy}`)),
    fact("Looked at", when(row.at), said.nextLook ? `again ${when(said.nextLook)}` : ""));
}

function savings(row) {
  if (same(row.currentSize, row.desiredSize)) return "is the one wanted";
  if (!known(row.savesUsdPerMonth)) return "another one is wanted";
  return row.savesUsdPerMonth >= 0 ? `would save ${usd(row.savesUsdPerMonth)} a month` : `would cost ${usd(-row.savesUsdPerMonth)} more a month`;
}

const fact = (name, value, note, tone = "") => h("div", {}, h("dt", {}, name), h("dd", { class: tone }, h("strong", {}, value), h("span", { class: "note" }, note)));

function sections(said) {
  return [
    section("sizes", "Sizes", sizes(said)),
    said.advice?.length ? section("advice", "Advice", advice(said.advice)) : null,
    said.hosting?.length ? section("hosting", "Under another kind of hosting", hosting(said.hosting)) : null,
    section("guards", "Guards", guards(said.guards ?? [])),
    section("conditions", "Conditions", conditions(said.conditions)),
    section("changes", "Changes", changesTable(said.changes, { own: true })),
    section("policy", "Policy as resolved", policyText(said.resolvedPolicy)),
  ];
}
