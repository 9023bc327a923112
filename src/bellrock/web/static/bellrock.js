// What the pages do in the browser beyond htmx: every part of it improves something that works without.

const find = (selector, root = document) => root.querySelector(selector);

// --- durations count on by themselves -------------------------------------------------------------
// `data-server-now` corrects for a clock of this machine that is wrong.
const skew = Number(document.documentElement.dataset.serverNow || Date.now()) - Date.now();

function duration(milliseconds) {
  const total = Math.max(0, milliseconds);
  if (total < 60_000) return `${(total / 1000).toFixed(1)} s`;
  const seconds = Math.floor(total / 1000);
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`;
}

function tick() {
  const now = Date.now() + skew;
  for (const element of document.querySelectorAll("time.ticking")) {
    const text = duration(now - Number(element.dataset.since));
    if (element.textContent !== text) element.textContent = text;
  }
}
tick();
setInterval(tick, 100);

// --- confirm before a cancel ----------------------------------------------------------------------
const dialog = find("#cancel-dialog");

function busy(button, label) {
  button.disabled = true;
  button.lastChild.textContent = label;
}

function say(message) {
  find(".toast")?.remove();
  const toast = document.createElement("div");
  toast.className = "toast notice tone-bad";
  toast.setAttribute("role", "alert");
  toast.append(Object.assign(document.createElement("p"), { textContent: message }));
  document.body.append(toast);
  setTimeout(() => toast.remove(), 8000);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches("[data-confirm]") && dialog) {
    event.preventDefault();
    const run = form.elements.run?.value ?? "";
    find("[data-slot=what]", dialog).textContent = form.dataset.what;
    find("input[name=run]", dialog).value = run;
    find("[data-sure]", dialog).disabled = false;
    dialog.dataset.button = find("button", form).id;
    dialog.showModal();
  } else if (dialog?.contains(form)) {
    event.preventDefault();
    const asked = document.getElementById(dialog.dataset.button);
    if (asked) busy(asked, "Cancelling…");
    dialog.close();
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Requested-With": "bellrock", Accept: "application/json" },
      });
      if (!answer.ok) throw new Error((await answer.json()).message);
    } catch (error) {
      say(`The cancel was not accepted: ${error.message}`);
      if (asked) { asked.disabled = false; asked.lastChild.textContent = "Cancel"; }
    }
  } else {
    const button = find("[data-once]", form);
    if (button) busy(button, "Scheduling…");
  }
});

dialog?.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});

// --- the live connection --------------------------------------------------------------------------
const live = find("#live");
const banner = find("#connection");
let state = live ? "connecting" : "none";
let showing;

function connection(next) {
  state = next;
  document.documentElement.dataset.live = next;
  clearTimeout(showing);
  if (next === "lost") showing = setTimeout(() => { banner.hidden = false; }, 600);
  else banner.hidden = true;
}

if (live) {
  live.addEventListener("htmx:sse:after:connection", () => connection("open"));
  live.addEventListener("htmx:sse:before:connection", (event) => {
    if (event.detail.connection.attempt > 0 && !document.hidden) connection("lost");
  });
  live.addEventListener("htmx:sse:error", (event) => {
    if ([401, 403, 404].includes(event.detail.status)) location.reload();
    else if (state !== "over") connection("lost");
  });
  live.addEventListener("htmx:sse:close", (event) => {
    connection(event.detail.reason === "message" ? "over" : "lost");
  });
  live.addEventListener("live:reload", () => location.reload());
  // htmx tries again by itself once it was connected; the first attempt can fail as well.
  setInterval(() => {
    if (state === "connecting" || state === "lost") {
      if (state === "connecting") connection("lost");
      live.dispatchEvent(new CustomEvent("live:again"));
    }
  }, 3000);
}

// --- the log follows its end, unless somebody scrolled up -----------------------------------------
const log = find("#log[data-follow]");
if (log) {
  const most = 5000;
  let atEnd = true;
  const toEnd = () => { log.scrollTop = log.scrollHeight; };
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  }, { passive: true });
  new MutationObserver(() => {
    while (log.childElementCount > most) log.firstElementChild.remove();
    if (atEnd) toEnd();
  }).observe(log, { childList: true });
  toEnd();
}

// --- the tree of tests by keyboard ----------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  const line = event.target.closest?.("#tests summary");
  if (!line || event.altKey || event.ctrlKey || event.metaKey) return;
  const lines = [...document.querySelectorAll("#tests summary")].filter((each) => each.checkVisibility());
  const place = lines.indexOf(line);
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: lines.length - 1 }[event.key];
  if (to !== undefined) {
    lines[Math.min(Math.max(to, 0), lines.length - 1)].focus();
  } else if (event.key === "ArrowRight") {
    line.parentElement.open = true;
  } else if (event.key === "ArrowLeft") {
    if (line.parentElement.open) line.parentElement.open = false;
    else line.closest(".suite").querySelector("summary").focus();
  } else {
    return;
  }
  event.preventDefault();
});
