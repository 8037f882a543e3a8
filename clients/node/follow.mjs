// SPDX-License-Identifier: MIT
// node follow.mjs LIVE QUERY [now | oldest | EPOCH:SEQ] [FACILITY...]: every event as a line of JSON, every gap as {"gap":...};
// `place` of the last line is where to go on: give it as EPOCH:SEQ.
// With KANHU_SERVER_KEY, KANHU_PUBLIC_KEY and KANHU_SECRET_KEY set, by CURVE.
import { Subscriber } from "./kanhu_subscriber.mjs";

const [live, query, from = "now", ...facilities] = process.argv.slice(2);
if (!query) {
  console.error("usage: node follow.mjs LIVE QUERY [now | oldest | EPOCH:SEQ] [FACILITY...]");
  process.exit(2);
}
let after = from === "now" ? null : from;
if (from.includes(":")) {
  const [epoch, seq] = from.split(":");
  after = { epoch, seq: Number(seq) };
}
const { KANHU_SERVER_KEY: curveServerKey, KANHU_PUBLIC_KEY: curvePublicKey, KANHU_SECRET_KEY: curveSecretKey } = process.env;
const subscriber = new Subscriber({
  live,
  query,
  facilities: facilities.length > 0 ? facilities : undefined,
  after,
  onSilence: (seconds) => console.error(`nothing for ${seconds.toFixed(0)} s: the gateway or the line is dead`),
  curveServerKey,
  curvePublicKey,
  curveSecretKey,
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => subscriber.stop());
for await (const item of subscriber) {
  const place = `${item.place.epoch}:${item.place.seq}`;
  if (item.kind === "event") {
    const { epoch, seq, streamSeq, payload } = item;
    console.log(JSON.stringify({ epoch, seq, stream_seq: streamSeq, payload, place }));
  } else {
    const { epoch, first, last, reason, streams } = item;
    console.log(JSON.stringify({ gap: { epoch, first, last, reason, streams }, place }));
  }
}
