// Passkeys: asks the browser for one and sends what it made as a plain form. Without this file the other ways in stay.
"use strict";

const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function described(list) {
  return (list || []).map((each) => ({ ...each, id: toBytes(each.id) }));
}

function creation(options) {
  return {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: described(options.excludeCredentials),
  };
}

function request(options) {
  return { ...options, challenge: toBytes(options.challenge), allowCredentials: described(options.allowCredentials) };
}

function said(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response,
  });
}

async function ask(form) {
  const body = new URLSearchParams();
  const email = document.getElementById("email");
  if (email && form.dataset.options.startsWith("/sign-in/passkey")) body.set("email", email.value);
  const headers = { "x-csrf-token": form.elements._csrf.value };
  const answer = await fetch(form.dataset.options, { method: "POST", headers, body, credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  const publicKey = await answer.json();
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: creation(publicKey) })
      : await navigator.credentials.get({ publicKey: request(publicKey) });
  form.elements.passkey.value = said(credential);
  form.submit();
}

function offer(form) {
  const wrong = form.querySelector("[role=alert]");
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong.hidden = true;
    ask(form).catch(() => {
      wrong.hidden = false;
    });
  });
}

// A passkey belongs to a name: at a bare address there can be none.
const isNamed = !/^[\d.]+$|:/.test(location.hostname);
if (window.PublicKeyCredential && navigator.credentials && window.isSecureContext && isNamed) {
  document.querySelectorAll("form[data-passkey]").forEach(offer);
  document.querySelectorAll("[data-no-passkeys]").forEach((note) => {
    note.hidden = true;
  });
}
