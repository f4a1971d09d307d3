// Everyday work with mpesa-api as it is published. Only the way out is changed: what it sends to
// sandbox.safaricom.co.ke over TLS goes to the simulator's port on loopback. Prints one JSON object.
"use strict";
const http = require("http");
const https = require("https");
const given = JSON.parse(process.env.GIVEN);

https.request = (options, heard) => {
  if (options.hostname !== "sandbox.safaricom.co.ke") throw new Error(`not ours: ${options.hostname}`);
  return http.request({ ...options, protocol: "http:", hostname: "127.0.0.1", port: given.port }, heard);
};

const { Mpesa } = require("mpesa-api");

const keys = { clientKey: given.key, clientSecret: given.secret };
const operator = { initiatorPassword: given.password, certificatePath: given.certificate };
const urls = { ResultURL: given.merchant + "/result", QueueTimeOutURL: given.merchant + "/timeout" };
const shop = 174379;

async function told(call) {
  try {
    return await call();
  } catch (refused) {
    return refused.data || { statusCode: refused.statusCode, data: refused.data };
  }
}

async function main() {
  const client = new Mpesa({ ...keys, ...operator }, "sandbox");
  const stranger = new Mpesa({ clientKey: given.key, clientSecret: "no", securityCredential: "x" }, "sandbox");
  // The client encrypts in the background and does not wait for it.
  while (!client.securityCredential) await new Promise((resolve) => setTimeout(resolve, 5));
  const push = {
    BusinessShortCode: shop,
    Amount: 10,
    PartyA: given.phone,
    PartyB: shop,
    PhoneNumber: given.phone,
    CallBackURL: given.merchant + "/callback",
    AccountReference: "VK7Q2",
    passKey: given.passkey,
  };
  const reversal = {
    Initiator: given.initiator,
    TransactionID: given.receipt,
    Amount: 25,
    ReceiverParty: shop,
    ...urls,
  };
  const steps = {
    register: () =>
      client.c2bRegister({
        ShortCode: shop,
        ResponseType: "Completed",
        ConfirmationURL: given.merchant + "/confirm",
        ValidationURL: given.merchant + "/validate",
      }),
    simulate: () =>
      client.c2bSimulate({
        ShortCode: shop,
        CommandID: "CustomerPayBillOnline",
        Amount: 5,
        Msisdn: Number(given.phone),
        BillRefNumber: "VK7Q2",
      }),
    push: () => client.lipaNaMpesaOnline(push),
    b2c: () =>
      client.b2c({
        Initiator: given.initiator,
        CommandID: "BusinessPayment",
        Amount: 100,
        PartyA: shop,
        PartyB: given.phone,
        ...urls,
      }),
    status: () =>
      client.transactionStatus({
        Initiator: given.initiator,
        TransactionID: given.receipt,
        PartyA: shop,
        IdentifierType: "4",
        ...urls,
      }),
    balance: () => client.accountBalance({ Initiator: given.initiator, PartyA: shop, ...urls }),
    reverseByDefault: () => client.reversal(reversal),
    reverse: () => client.reversal({ ...reversal, RecieverIdentifierType: "11" }),
    wrongPasskey: () => client.lipaNaMpesaOnline({ ...push, passKey: "no" }),
    wrongKeys: () => stranger.authenticate(),
  };
  const answers = {};
  for (const [name, step] of Object.entries(steps)) answers[name] = await told(step);
  console.log(JSON.stringify(answers));
}

main();
