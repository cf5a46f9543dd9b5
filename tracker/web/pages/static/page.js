/* What the pages do on top of working without this: they keep themselves up to date, `/` goes to the search, the theme
   changes without loading again. Nothing here knows what a page is about: parts that may change bear data-region. */
"use strict";

const seconds = Number(document.body.dataset.live || 0);
const regions = () => [...document.querySelectorAll("[data-region]")];
const told = new Map(regions().map((region) => [region.dataset.region, region.innerHTML]));
const button = document.getElementById("live");
const say = document.getElementById("say");
let on = sessionStorage.getItem("live") !== "off";
let timer = 0;

const here = new URL(location.href);
for (const name of ["done", "changed"]) here.searchParams.delete(name);
history.replaceState(null, "", here);

/* --- live */

function isBusy(region) {
  const active = document.activeElement;
  return region.contains(active) && active.matches("input, select, textarea");
}

function put(region, fresh) {
  const open = [...region.querySelectorAll("details[open]")].map((one) => one.id);
  const chosen = [...region.querySelectorAll("input:checked")].map((one) => one.value);
  const active = region.contains(document.activeElement) ? document.activeElement : null;
  const links = [...region.querySelectorAll("a, summary, button")];
  const index = active ? links.indexOf(active) : -1;
  const target = active && active.getAttribute("href");
  region.innerHTML = fresh.innerHTML;
  if (fresh.dataset.say && fresh.dataset.say !== region.dataset.say) {
    region.dataset.say = fresh.dataset.say;
    say.textContent = fresh.dataset.say;
  }
  for (const id of open) region.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  for (const box of region.querySelectorAll("input[type=checkbox]")) box.checked = chosen.includes(box.value);
  if (active) {
    const now = [...region.querySelectorAll("a, summary, button")];
    (now.find((one) => target && one.getAttribute("href") === target) || now[index])?.focus({ preventScroll: true });
  }
}

async function refresh() {
  let lost = true;
  try {
    const answer = await fetch(here, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of regions()) {
        const name = region.dataset.region;
        const fresh = page.querySelector(`[data-region="${CSS.escape(name)}"]`);
        if (fresh && fresh.innerHTML !== told.get(name) && !isBusy(region)) {
          told.set(name, fresh.innerHTML);
          put(region, fresh);
        }
      }
      lost = false;
    } else if (answer.redirected) {
      location.reload();
    }
  } catch {
    /* the daemon restarts, or the network is gone: the next look shows */
  }
  if (button.classList.contains("lost") !== lost) {
    button.classList.toggle("lost", lost);
    button.querySelector("span").textContent = lost ? "No answer" : "Live";
    say.textContent = lost ? "The page is not up to date: no answer." : "The page is up to date again.";
  }
}

function schedule() {
  clearTimeout(timer);
  if (on && !document.hidden) {
    timer = setTimeout(async () => {
      await refresh();
      schedule();
    }, seconds * 1000);
  }
}

if (seconds) {
  button.hidden = false;
  const show = () => {
    button.setAttribute("aria-pressed", String(on));
    button.classList.remove("lost");
    button.querySelector("span").textContent = on ? "Live" : "Paused";
  };
  button.addEventListener("click", async () => {
    on = !on;
    sessionStorage.setItem("live", on ? "on" : "off");
    show();
    if (on) await refresh();
    schedule();
  });
  document.addEventListener("visibilitychange", async () => {
    if (on && !document.hidden) await refresh();
    schedule();
  });
  show();
  schedule();
}

/* --- the search, the theme, and what is asked twice */

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("search")?.focus();
  }
});

document.getElementById("theme").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = event.submitter.value;
  const order = { auto: "dark", dark: "light", light: "auto" };
  document.documentElement.dataset.theme = chosen;
  document.cookie = `theme=${chosen}; Max-Age=31536000; Path=/; SameSite=Strict`;
  event.submitter.value = order[chosen];
  event.submitter.setAttribute("aria-label", `Theme: ${chosen}. Change to ${order[chosen]}`);
  event.submitter.querySelector("span").textContent = chosen[0].toUpperCase() + chosen.slice(1);
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
