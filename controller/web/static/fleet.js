// The fleet: one row per endpoint. The server finds, sorts and pages, so thousands are no more
// work for the browser than a hundred.

import { look } from "./api.js";
import { fill, h, svg } from "./dom.js";
import { KINDS, STATES, arrow, count, known, ms, number, percent, same, usd } from "./words.js";

const ROWS = 100;
const COLUMNS = [
  ["name", "Endpoint"],
  ["state", "State"],
  [null, "Size"],
  ["p95", "Latency / SLO", "num"],
  ["slowBudget", "Slow budget used", "num"],
  ["cost", "$ / month", "num"],
  ["reason", "Last decision"],
];

export class Fleet {
  constructor(root, _subject, options) {
    this.root = root;
    this.title = "Fleet";
    this.chosen = options;
    this.summary = h("div", { class: "tiles" });
    this.states = h("div", { class: "chips", role: "group", "aria-label": "States" });
    this.body = h("tbody", {});
    this.head = h("tr", {});
    this.pager = h("div", { class: "pager" });
    this.found = h("p", { class: "quiet", role: "status" });
    this.search = h("input", { type: "search", id: "q", placeholder: "name, policy, region, size …", oninput: () => this.typed(), maxlength: 200, autocomplete: "off", spellcheck: "false" });
    this.kind = this.select("kind", "Kind", Object.entries(KINDS));
    this.mode = this.select("mode", "Mode", ["Enforce", "Recommend", "Observe", "Off"].map((m) => [m, m]));
    fill(root,
      h("h1", { class: "sr" }, "Fleet"), this.summary,
      h("div", { class: "filters", role: "search" },
        h("label", { class: "grow" }, h("span", {}, "Find ", h("kbd", { "aria-hidden": "true" }, "/")), this.search),
        this.kind.label, this.mode.label, this.sorter()),
      this.states, this.found,
      h("div", { class: "scroll" }, h("table", { class: "fleet", role: "table" },
        h("caption", { class: "sr" }, "Endpoints"), h("thead", { role: "rowgroup" }, this.head), this.body)),
      this.pager);
    this.body.setAttribute("role", "rowgroup");
    this.head.setAttribute("role", "row");
    this.body.addEventListener("keydown", (event) => this.step(event));
    document.addEventListener("keydown", (event) => this.slash(event));
    this.take();
  }

  select(name, label, entries) {
    const field = h("select", { onchange: () => this.go({ [name]: field.value, offset: "" }) },
      h("option", { value: "" }, "all"), entries.map(([value, word]) => h("option", { value }, word)));
    return { field, label: h("label", {}, h("span", {}, label), field) };
  }

  // The header's buttons sort on a wide screen; on a phone there is no header.
  sorter() {
    const words = { state: "most pressing", name: "name", "-p95": "latency", "-slowBudget": "slow budget", "-cost": "cost", "-saving": "saving", "-at": "newest decision" };
    this.order = h("select", { onchange: () => this.go({ sort: this.order.value, offset: "" }) },
      Object.entries(words).map(([value, word]) => h("option", { value }, word)));
    return h("label", {}, h("span", {}, "Sort by"), this.order);
  }

  options(options) {
    this.chosen = options;
    this.take();
  }

  take() {
    const get = (name) => this.chosen.get(name) ?? "";
    if (document.activeElement !== this.search) this.search.value = get("q");
    this.kind.field.value = get("kind");
    this.mode.field.value = get("mode");
    this.order.value = get("sort") || "state";
  }

  go(changed) {
    const next = new URLSearchParams(this.chosen);
    for (const [name, value] of Object.entries(changed)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    location.hash = query ? `#/?${query}` : "#/";
  }

  typed() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      const next = new URLSearchParams(this.chosen);
      if (this.search.value) next.set("q", this.search.value);
      else next.delete("q");
      next.delete("offset");
      history.replaceState(null, "", `#/${next.size ? `?${next}` : ""}`);
      dispatchEvent(new HashChangeEvent("hashchange"));
    }, 150);
  }

  slash(event) {
    const busy = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && !busy && this.root.isConnected && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.search.focus();
    }
  }

  // Up and down go from row to row; Enter follows the link, as anywhere.
  step(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move) return;
    const links = [...this.body.querySelectorAll("a.name")];
    const next = links[links.indexOf(document.activeElement) + move];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }

  async refresh(signal) {
    const query = new URLSearchParams(this.chosen);
    query.set("limit", String(ROWS));
    const answer = await look(`endpoints?${query}`, signal);
    if (this.last && same(this.last, answer)) return;
    this.last = answer;
    this.show(answer);
  }

  show(answer) {
    const { summary } = answer;
    const breached = summary.states.Breached ?? 0;
    fill(this.summary,
      tile("Endpoints", number(answer.total), Object.entries(summary.kinds).map(([k, n]) => `${number(n)} ${KINDS[k] ?? k}`).join(" · ")),
      tile("SLO breached", number(breached), `${number(summary.attainment.Met ?? 0)} met · ${number(summary.attainment.Unknown ?? 0)} unknown`, breached ? "bad" : "good"),
      tile("Cost", `${usd(summary.usdPerMonth)}`, `a month${summary.costKnown < answer.total ? `, known for ${number(summary.costKnown)} of ${number(answer.total)}` : ""}`),
      tile("Could save", usd(summary.savesUsdPerMonth), "a month, by changes wanted now", summary.savesUsdPerMonth > 0 ? "want" : ""));
    fill(this.states, Object.entries(STATES).filter(([state]) => summary.states[state]).map(([state, { word, tone, mark }]) => {
      const on = this.chosen.get("state") === state;
      return h("button", { type: "button", class: `chip ${tone}`, "aria-pressed": on ? "true" : "false", onclick: () => this.go({ state: on ? "" : state, offset: "" }) },
        h("span", { "aria-hidden": "true" }, mark), ` ${word} `, h("b", {}, number(summary.states[state])));
    }));
    const sort = this.chosen.get("sort") || "state";
    fill(this.head, COLUMNS.map(([name, word, type]) => this.header(name, word, type, sort)));
    const focused = this.body.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    fill(this.body, answer.items.map(row));
    if (focused) this.body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    this.told(answer);
  }

  header(name, word, type, sort) {
    const here = name !== null && sort.replace(/^-/, "") === name;
    const falling = sort.startsWith("-");
    const next = here ? (falling ? name : `-${name}`) : type === "num" ? `-${name}` : name;
    return h("th", { scope: "col", role: "columnheader", class: type, "aria-sort": here ? (falling ? "descending" : "ascending") : null },
      name === null ? word : h("button", { type: "button", onclick: () => this.go({ sort: next, offset: "" }) }, word,
        h("span", { class: "sorted", "aria-hidden": "true" }, here ? (falling ? " ▼" : " ▲") : "")));
  }

  told(answer) {
    const { offset, matched, total, items } = answer;
    const of = matched === total ? "" : ` of ${count(total, "endpoint")}`;
    fill(this.found, total === 0
      ? "No endpoint is claimed by a policy yet; the Status page says whether AWS could be asked."
      : matched === 0 ? "Nothing matches." : `${number(offset + 1)}–${number(offset + items.length)} of ${number(matched)} shown${of ? `, out${of}` : ""}`);
    const page = (to, word) => h("button", { type: "button", disabled: to < 0 || to >= matched, onclick: () => { this.go({ offset: to ? String(to) : "" }); scrollTo(0, 0); } }, word);
    fill(this.pager, matched > ROWS ? [page(offset - ROWS, "← Previous"), h("span", {}, `Page ${Math.floor(offset / ROWS) + 1} of ${Math.ceil(matched / ROWS)}`), page(offset + ROWS, "Next →")] : []);
  }
}

function tile(title, value, note, tone = "") {
  return h("div", { class: `tile ${tone}` }, h("span", { class: "label" }, title), h("strong", {}, value), h("span", { class: "note" }, note));
}

export function badge(state) {
  const { word, tone, mark } = STATES[state] ?? { word: state, tone: "calm", mark: "" };
  return h("span", { class: `badge ${tone}` }, h("span", { "aria-hidden": "true" }, mark), ` ${word}`);
}

export const address = (key) => `#/endpoints/${key.split("/").map(encodeURIComponent).join("/")}`;

// Where the latency lies against its objective, which is the mark at two thirds.
function gauge(ratio) {
  if (!known(ratio)) return null;
  const width = Math.min(ratio / 1.5, 1) * 90;
  return svg("svg", { class: "gauge", width: 90, height: 6, "aria-hidden": "true" },
    svg("rect", { class: "track", width: 90, height: 6, rx: 3 }),
    svg("rect", { class: ratio > 1 ? "over" : "under", width: Math.max(width, 2), height: 6, rx: 3 }),
    svg("rect", { class: "limit", x: 59, width: 2, height: 6 }));
}

function cell(label, type, ...content) {
  return h("td", { role: "cell", class: type, "data-label": label }, h("div", {}, content));
}

// The sentence names endpoint and reason first, and both stand beside it already.
export function because(item) {
  const head = item.reason ? item.message.indexOf(`${item.reason}: `) : -1;
  return head < 0 ? item.message : item.message.slice(head + item.reason.length + 2);
}

function row(item) {
  const usual = ["$LATEST", "AllTraffic"].includes(item.qualifier);
  const where = [KINDS[item.kind] ?? item.kind, item.region, ...(usual ? [] : [item.qualifier])].join(" · ");
  const wants = item.desiredSize && !same(item.currentSize, item.desiredSize);
  const ratio = known(item.p95Ms) ? item.p95Ms / item.sloMs : null;
  const budget = known(item.usdPerMonth) && item.budgetUsdPerMonth ? `${percent(item.usdPerMonth / item.budgetUsdPerMonth)} of budget` : "";
  const saves = wants && known(item.savesUsdPerMonth) && Math.abs(item.savesUsdPerMonth) >= 0.005;
  return h("tr", { role: "row" },
    h("th", { role: "rowheader", scope: "row" }, h("a", { class: "name", href: address(item.key) }, item.name), h("span", { class: "sub" }, where)),
    cell("State", "", badge(item.state), h("span", { class: "sub" }, item.mode)),
    cell("Size", "size", arrow(item.currentSize, item.desiredSize)),
    cell("Latency / SLO", "num", h("span", { class: item.attainment === "Breached" ? "bad" : "" }, known(item.p95Ms) ? number(item.p95Ms) : "–"), ` / ${ms(item.sloMs)}`, gauge(ratio)),
    cell("Slow budget used", "num", h("span", { class: item.slowBudgetUsed > 1 ? "bad" : "" }, percent(item.slowBudgetUsed))),
    cell("$ / month", "num", usd(item.usdPerMonth),
      saves ? h("span", { class: "sub want" }, item.savesUsdPerMonth > 0 ? `saves ${usd(item.savesUsdPerMonth)}` : `costs ${usd(-item.savesUsdPerMonth)} more`) : null,
      budget ? h("span", { class: "sub" }, budget) : null),
    cell("Last decision", "why", h("b", {}, item.reason ?? ""), h("span", { class: "sub clamp", title: item.message }, because(item))));
}
