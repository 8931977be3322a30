// The router: what stands after the # decides what is shown, so every view has an address.

import { Refused } from "./api.js";
import { fill, h } from "./dom.js";
import { Endpoint } from "./endpoint.js";
import { Fleet } from "./fleet.js";
import { Change, Changes, Policies, Policy, Status } from "./lists.js";

const EVERY_MS = 15000;
const main = document.getElementById("main");
const fresh = document.getElementById("fresh");

let view = null;
let stop = new AbortController();
let timer = 0;

function route() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter(Boolean).map(decoded);
  const options = new URLSearchParams(query);
  const [first = "", ...rest] = parts;
  if (first === "") return [Fleet, "", options];
  if (first === "endpoints" && rest.length) return [Endpoint, rest.join("/"), options];
  if (first === "changes") return rest.length ? [Change, rest[0], options] : [Changes, "", options];
  if (first === "policies") return rest.length ? [Policy, rest.join("/"), options] : [Policies, "", options];
  if (first === "status") return [Status, "", options];
  return [Nowhere, path, options];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Nowhere {
  constructor(root) {
    this.root = root;
    this.title = "Not found";
  }

  async refresh() {
    fill(this.root, h("h1", {}, "Nothing here"), h("p", {}, "There is no such page. ", h("a", { href: "#/" }, "To the fleet"), "."));
  }
}

async function show(moved) {
  const [Kind, subject, options] = route();
  const again = view instanceof Kind && view.subject === subject;
  stop.abort();
  stop = new AbortController();
  if (!again) {
    const root = h("div", {});
    view = new Kind(root, subject, options);
    view.subject = subject;
  } else if (moved) {
    view.options?.(options);
  }
  mark();
  await refresh(!again);
}

async function refresh(first) {
  clearTimeout(timer);
  const { signal } = stop;
  const mine = view;
  try {
    await mine.refresh(signal);
    if (signal.aborted) return;
    if (first) main.replaceChildren(mine.root);
    document.title = `${mine.title} · Rightsizer`;
    fresh.textContent = "";
  } catch (error) {
    if (signal.aborted) return;
    tell(error, first);
  }
  if (first && arrived) main.focus({ preventScroll: false });
  arrived = true;
  timer = setTimeout(() => { if (!document.hidden) refresh(false); }, EVERY_MS);
}
let arrived = false;

// What was shown stays, with a word that it is old.
function tell(error, first) {
  const sentence = error instanceof Refused ? error.message : "the page has a defect; the browser's console says which";
  if (!(error instanceof Refused)) console.error(error);
  fresh.textContent = `Not up to date: ${sentence}`;
  if (first) {
    fill(main, h("h1", {}, error.status === 404 ? "Not there" : "Cannot be shown"), h("p", { role: "alert" }, sentence),
      h("p", {}, h("a", { href: "#/" }, "To the fleet")));
  }
}

function mark() {
  const [, first = ""] = location.hash.split("?")[0].split("/");
  const here = first === "endpoints" ? "" : first;
  for (const link of document.querySelectorAll("#nav a")) {
    const own = link.getAttribute("href").slice(2);
    if (own === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => show(true));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(false); });
show(false);
