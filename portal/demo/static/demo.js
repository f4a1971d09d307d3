/* The demo page: keeps the address bar and the switches true, and sends the orders of the switches. Nothing is kept. */
(function () {
  "use strict";
  const by = (id) => document.getElementById(id);
  const customer = by("customer"), mpesa = by("mpesa"), url = by("url"), who = by("who"), where = by("where"), says = by("says");
  const phone = () => Number(who.value);
  let quiet = 0;

  function say(words, isLasting) {
    says.textContent = words;
    says.hidden = !words;
    clearTimeout(quiet);
    if (words && !isLasting) quiet = setTimeout(() => { says.hidden = true; }, 6000);
  }

  /* The frame is of our own origin, so its address may be read: /phone/1/http/news.example/a is http://news.example/a. */
  function readAddress() {
    let here;
    try { here = customer.contentWindow.location; } catch { return; }
    const found = here.pathname.match(/^\/phone\/\d+\/(https?)\/(.*)$/);
    if (found && document.activeElement !== url) {
      url.value = found[1] + "://" + found[2] + here.search;
      url.title = url.value;
    }
  }
  customer.addEventListener("load", readAddress);

  async function order(name, asked) {
    try {
      const answer = await fetch("/control/" + name, { method: "POST", body: JSON.stringify(asked || {}) });
      const state = await answer.json();
      if (!answer.ok) { say(state.error); return; }
      show(state);
      if (state.told) say(state.told);
    } catch {
      say("The demo does not answer. Is it still running?", true);
    }
  }

  function show(state) {
    by("shop-time").textContent = state.shop_time;
    by("ahead").textContent = "+" + state.ahead_hours + " h";
    by("ahead").hidden = !state.ahead_hours;
    state.routers.forEach((router, place) => {
      const button = document.querySelector('[data-router="' + place + '"]');
      button.setAttribute("aria-pressed", router.is_on);
      const how = !router.is_on ? "off" : !router.is_set_up ? "reset" : router.is_slow ? router.online + ", slow" : router.online;
      button.querySelector("small").textContent = how;
    });
    document.querySelector('[data-control="callback-lost"]').setAttribute("aria-pressed", state.callback_lost);
    document.querySelector('[data-control="mpesa-busy"]').setAttribute("aria-pressed", state.mpesa_busy);
    const mine = state.phones.find((each) => each.phone === phone());
    if (mine) {
      by("online").classList.toggle("on", mine.is_online);
      by("online").title = (mine.is_online ? "Online" : "Not online") + ", " + mine.mac + ", " + mine.ip;
      const at = state.routers.findIndex((router) => router.name === mine.router);
      if (at >= 0 && document.activeElement !== where) where.value = at;
      by("ring").hidden = !mine.is_asked;
    }
    if (!state.postgres) say("The database is down. It starts again by itself.");
  }

  async function look() {
    if (document.hidden) return;
    try {
      show(await (await fetch("/control")).json());
      if (says.textContent.startsWith("The demo does not answer")) say("");
    } catch {
      say("The demo does not answer. Is it still running?", true);
    }
    readAddress();
  }

  const words = {
    "clock": "An hour has passed.",
    "callback-lost": "The next result from M\u2011PESA will be lost. The portal asks by itself after a while.",
    "mpesa-busy": "M\u2011PESA refuses new requests. Press again to end it.",
    "postgres-kill": "The database was killed. It starts again by itself."
  };
  document.querySelectorAll("[data-control]").forEach((button) => {
    button.addEventListener("click", async () => {
      const isOn = button.getAttribute("aria-pressed") === "true";
      const name = button.dataset.control;
      button.disabled = true;
      await order(isOn ? "mpesa-ok" : name);
      button.disabled = false;
      say(isOn ? "" : words[name]);
    });
  });
  document.querySelectorAll("[data-router]").forEach((button) => {
    button.addEventListener("click", async () => {
      const isOn = button.getAttribute("aria-pressed") === "true";
      const name = button.querySelector("span").textContent;
      await order(isOn ? "router-off" : "router-on", { router: Number(button.dataset.router) });
      say(isOn ? name + " no longer answers us. Who is online there stays online." : name + " answers again.");
    });
  });

  /* The form works by itself; sending it from here keeps the three screens as they are. */
  by("breaks").querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = { router: Number(event.target.elements.router.value) };
    await order(event.submitter.value, asked);
    by("breaks").open = false;
  });

  function home() {
    customer.src = "/phone/" + phone() + "?" + Date.now();
  }
  who.addEventListener("change", () => {
    const chosen = who.selectedOptions[0];
    by("pays-with").textContent = chosen.dataset.local;
    by("pays-airtel").textContent = chosen.dataset.localAirtel;
    by("at-mpesa").href = mpesa.dataset.base + chosen.dataset.msisdn;
    by("at-airtel").href = by("at-airtel").dataset.base + chosen.dataset.airtel;
    by("at-inbox").href = by("at-inbox").dataset.base + chosen.dataset.msisdn;
    by("go").action = "/phone/" + phone() + "/go";
    mpesa.src = mpesa.dataset.base + chosen.dataset.msisdn;
    home();
    look();
  });
  where.addEventListener("change", async () => {
    await order("phone", { phone: phone(), router: Number(where.value) });
    home();
  });
  by("reconnect").addEventListener("click", async () => {
    await order("reconnect", { phone: phone() });
    say("The phone has joined again with another MAC address.");
    home();
  });

  setInterval(look, 2000);
  look();
})();
