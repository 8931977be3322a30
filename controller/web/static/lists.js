// Changes, policies and the controller's own status.

import { look } from "./api.js";
import { fill, h } from "./dom.js";
import { address } from "./fleet.js";
import { changesTable, document as policyText, phase, table } from "./sections.js";
import { arrow, count, number, range, usd, when } from "./words.js";

export class Changes {
  constructor(root) {
    this.root = root;
    this.title = "Changes";
  }

  async refresh(signal) {
    const { items } = await look("changes?limit=200", signal);
    fill(this.root, h("h1", {}, "Changes"), h("p", { class: "quiet" }, "Newest first, at most 200."), changesTable(items, { own: false }));
  }
}

const EVENTS = [["At", "nowrap"], ["Phase"], ["What"], ["Message", "text"]];

export class Change {
  constructor(root, id) {
    this.root = root;
    this.id = id;
    this.title = `Change ${id}`;
  }

  async refresh(signal) {
    const change = await look(`changes/${encodeURIComponent(this.id)}`, signal);
    const { verdict } = change;
    fill(this.root,
      h("p", { class: "crumbs" }, h("a", { href: "#/changes" }, "Changes"), " / ", h("a", { href: address(change.endpoint.key) }, change.endpoint.name)),
      h("div", { class: "headline" }, h("h1", {}, `Change ${change.id}: ${arrow(change.before, change.target)}`), phase(change.phase)),
      h("p", { class: "sentence" }, change.message),
      h("dl", { class: "facts" },
        fact("Reason", change.reason, `by ${change.actor}`), fact("Planned", when(change.plannedAt), change.finishedAt ? `finished ${when(change.finishedAt)}` : "under way"),
        change.savesUsdPerMonth ? saving(change.savesUsdPerMonth) : null,
        verdict ? fact("Verdict", verdict.kind, `${verdict.reason}: ${verdict.message}`) : null),
      h("section", { "aria-labelledby": "events" }, h("h2", { id: "events" }, "What happened"),
        table("Events", EVENTS, (change.events ?? []).map((event) => [when(event.at), event.phase, event.what, event.message]), "Nothing yet.")));
  }
}

const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, h("strong", {}, value), h("span", { class: "note" }, note)));

// What is expected to be dearer is told as what it costs.
function saving({ low, mid, high }) {
  return mid >= 0 ? fact("Saves", range({ low, high }, usd), "a month, as expected") : fact("Costs more", range({ low: -high, high: -low }, usd), "a month, as expected");
}

const POLICIES = [["Policy"], ["Mode"], ["Latency"], ["Budget"], ["Endpoints", "num"], ["Source"]];

export class Policies {
  constructor(root) {
    this.root = root;
    this.title = "Policies";
  }

  async refresh(signal) {
    const { items, limits } = await look("policies", signal);
    const rows = items.map((policy) => {
      const { spec } = policy.document;
      const { percentile, threshold } = spec.slo.latency;
      return [h("a", { href: `#/policies/${encodeURIComponent(policy.name)}` }, policy.name), policy.mode,
        `${percentile} ≤ ${threshold}`, String(spec.budget.perMonth), h("a", { href: `#/?policy=${encodeURIComponent(policy.name)}`, "aria-label": `${count(policy.endpoints, "endpoint")} of ${policy.name}` }, number(policy.endpoints)), h("code", {}, policy.source)];
    });
    fill(this.root, h("h1", {}, "Policies"),
      h("p", { class: "quiet" }, `Fleet limits: ${told(limits)}.`), table("Policies", POLICIES, rows, "No policy is in force."));
  }
}

function told(limits) {
  const words = [];
  if (limits.maxConcurrentChanges !== null) words.push(`${count(limits.maxConcurrentChanges, "change")} at a time`);
  if (limits.maxChangesPerHour !== null) words.push(`${limits.maxChangesPerHour} an hour`);
  if (limits.maxChangesPerDay !== null) words.push(`${limits.maxChangesPerDay} a day`);
  if (limits.budgetUsdPerMonth !== null) words.push(`${usd(limits.budgetUsdPerMonth)} a month`);
  return words.join(", ") || "none";
}

export class Policy {
  constructor(root, name) {
    this.root = root;
    this.name = name;
    this.title = name;
  }

  async refresh(signal) {
    const { items } = await look("policies", signal);
    const policy = items.find((one) => one.name === this.name);
    fill(this.root, h("p", { class: "crumbs" }, h("a", { href: "#/policies" }, "Policies")), h("h1", {}, this.name),
      policy ? [h("p", {}, h("a", { href: `#/?policy=${encodeURIComponent(policy.name)}` }, `${count(policy.endpoints, "endpoint")}`)), policyText(policy)] : h("p", {}, "No such policy is in force."));
  }
}

const CHECKS = [["Check"], ["State"], ["Message"]];
const PAUSES = [["Scope"], ["Until"], ["By"], ["Reason"]];

export class Status {
  constructor(root) {
    this.root = root;
    this.title = "Status";
  }

  async refresh(signal) {
    const status = await look("status", signal);
    const checks = [...status.checks.ready, ...status.checks.live].map((check) => [check.name,
      h("span", { class: check.ok ? (check.warning ? "hold" : "good") : "bad" }, check.ok ? (check.warning ? "! look" : "✓ well") : "✕ not well"), check.message]);
    const pauses = status.pauses.map((pause) => [pause.scope === "*" ? "the whole fleet" : pause.scope, pause.over ? "over" : pause.until ? when(pause.until) : "resumed", pause.actor, pause.reason]);
    fill(this.root, h("h1", {}, "Status"),
      h("dl", { class: "facts" }, fact("Version", status.version, `started ${when(status.startedAt)}`), fact("Its time", when(status.now), ""),
        fact("Endpoints", number(status.endpoints), count(status.policies, "policy", "policies")), fact("Changes under way", number(status.openChanges), "")),
      h("section", {}, h("h2", {}, "Checks"), table("Checks", CHECKS, checks, "None.")),
      h("section", {}, h("h2", {}, "Pauses"), table("Pauses", PAUSES, pauses, "Nothing is paused.")));
  }
}
