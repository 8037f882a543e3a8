// SPDX-License-Identifier: MIT
// Follow a Kanhu gateway without missing an event, or knowing exactly which one is missing.
//
//   import { Subscriber } from "./kanhu_subscriber.mjs";
//   const subscriber = new Subscriber({ live: "tcp://127.0.0.1:5556", query: "tcp://127.0.0.1:5557", after: loadPlace() });
//   for await (const item of subscriber) {
//     if (item.kind === "event") handle(item.payload); // a CloudEvents object; one Subscriber gives each (epoch, seq) once
//     else complain(item);                             // kind "gap": numbers that will never come, and why
//     savePlace(item.place);                           // where to go on after your own restart
//   }
//
// The place may lie behind the item by about a second of events, for it is never in front of what another stream still lacks: after your
// restart some events come again. The same (epoch, seq) is the same event: replace it, or pass it over.
//
// Node 18 or newer, `npm install zeromq` (version 6); types for TypeScript stand in kanhu_subscriber.d.mts. One file, to be copied.
// The contract is docs/events.md.
import { setTimeout as sleep } from "node:timers/promises";

import zmq from "zeromq";

const HEAD_EVERY_MS = 1000;
const DEAD_AFTER_MS = 5000; // without a message: the line or the gateway is gone
const PATIENCE_MS = 10000; // for an answer, and for an event that was announced to become durable

/** The topic's facility and type. */
function partsOf(topic) {
  const [, facility, , type] = topic.split("/");
  return { facility, type };
}

/** Iterate it once. */
export class Subscriber {
  #options;
  #curve;
  #live = null;
  #query = null;
  #epoch = null;
  #whole = 0; // our place: up to this seq of #epoch no stream lacks anything
  #newest = 0; // the highest seq of the epoch that came
  #streams = new Map(); // last stream_seq of the epoch, by facility
  #passed = new Map(); // last seq of the epochs before: a restored backup begins with them again
  #sure = new Map(); // seq up to which nothing of a stream is missing, by facility
  #partial = false; // numbers in between are of streams that are not shown to us
  #followsOnly; // nothing was fetched yet: a stream begins with its first message
  #heard = performance.now();
  #connected = 0;
  #stopped = false;

  /**
   * `facilities`: all when left out; "-" are the gateway's own events. `after`: the `place` of the last item you have; null or left out: from
   * now on; "oldest": everything that is kept. The three CURVE keys (Z85, 40 characters each) come from the gateway's operator.
   * Reconnects by itself and for ever; `onSilence(seconds)` is called about once a second while nothing has been heard for over 5 s.
   */
  constructor({ live, query, facilities, after = null, onSilence, curveServerKey, curvePublicKey, curveSecretKey }) {
    this.#options = { live, query, facilities, onSilence };
    this.#curve = {};
    if (curveServerKey) {
      if (!curvePublicKey || !curveSecretKey) throw new TypeError("curveServerKey needs curvePublicKey and curveSecretKey too");
      this.#curve = { curveServerKey, curvePublicKey, curveSecretKey };
    }
    this.#followsOnly = after === null;
    if (after !== null && after !== "oldest") [this.#epoch, this.#whole, this.#newest] = [after.epoch, after.seq, after.seq];
  }

  /** The iteration ends within a second (when the gateway does not answer, within ten) and gives back its sockets. */
  stop() {
    this.#stopped = true;
  }

  /** Seconds since anything at all was heard; over 5 the line or the gateway is gone. */
  get silence() {
    return (performance.now() - this.#heard) / 1000;
  }

  /** Behind what was given so far; heads move it on while nothing happens. Null: nothing has been heard yet. */
  get place() {
    return this.#epoch === null ? null : { epoch: this.#epoch, seq: this.#whole };
  }

  async *[Symbol.asyncIterator]() {
    try {
      this.#connect();
      if (!this.#followsOnly) yield* this.#catchUp();
      while (!this.#stopped) {
        const frames = await this.#receive();
        if (frames?.length === 3) yield* this.#take(frames[0].toString(), JSON.parse(frames[1].toString()), frames[2]);
      }
    } finally {
      this.#live?.close();
      this.#query?.close();
      this.#query = null;
    }
  }

  /** Also when nothing has been heard for long: a connection that was cut while idle looks alive to this end for ever. */
  #connect() {
    const { live, facilities } = this.#options;
    this.#live?.close();
    this.#live = new zmq.Subscriber({ receiveHighWaterMark: 8000, receiveTimeout: HEAD_EVERY_MS, linger: 0, ...this.#curve });
    this.#live.subscribe(...(facilities ? facilities.map((one) => `kanhu1/${one}/`) : ["kanhu1/"]));
    this.#live.connect(live);
    this.#connected = performance.now();
  }

  /** The next message, or null when a second has passed without one. */
  async #receive() {
    try {
      const frames = await this.#live.receive();
      this.#heard = performance.now();
      return frames;
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      this.#tellSilence();
      if (Math.min(this.silence * 1000, performance.now() - this.#connected) > DEAD_AFTER_MS) this.#connect();
      return null;
    }
  }

  #tellSilence() {
    if (this.silence * 1000 > DEAD_AFTER_MS) this.#options.onSilence?.(this.silence);
  }

  async *#take(topic, header, payload) {
    const { facility, type } = partsOf(topic);
    if (type === "commit" || type === "heartbeat") return;
    const { epoch, seq, stream_seq: number } = header;
    const head = type === "head";
    const before = head ? number : number - 1; // what must have come by now
    if (epoch !== this.#epoch && this.#passed.has(epoch)) return; // waited here while we fetched the rest of its epoch, and the next
    if (this.#epoch === null) {
      this.#epoch = epoch; // from now on
      this.#whole = this.#newest = head ? seq : seq - 1;
    }
    if (epoch !== this.#epoch) yield* this.#catchUp(epoch, facility, before);
    if (epoch !== this.#epoch) return;
    if (this.#followsOnly && !this.#streams.has(facility)) this.#streams.set(facility, before);
    const jumps = !head && !this.#options.facilities && !this.#partial && seq > this.#newest + 1;
    if (jumps) yield* this.#catchUp(); // so that it comes in order
    if (epoch === this.#epoch && before > this.#last(facility)) yield* this.#catchUp(epoch, facility, before);
    if (epoch !== this.#epoch || before !== this.#last(facility)) return; // old; or we were stopped, and what stands in front of it has not come
    this.#streams.set(facility, number);
    this.#complete(facility, seq);
    if (head) return;
    if (seq === this.#whole + 1) this.#whole = seq;
    this.#newest = Math.max(this.#newest, seq);
    yield this.#event(header, topic, JSON.parse(payload.toString()));
  }

  /** Nothing of it is missing up to `seq`. The place goes as far as that is so of every stream. */
  #complete(facility, seq) {
    const holds = (this.#sure.get(facility) ?? 0) <= this.#whole;
    this.#sure.set(facility, seq);
    if (!holds) return;
    for (const stream of this.#streams.keys()) seq = Math.min(seq, this.#sure.get(stream) ?? 0);
    this.#whole = Math.max(this.#whole, seq);
  }

  /** Everything behind our place, until nothing durable is left and, when one is named, `number` of `facility` has come. */
  async *#catchUp(epoch = null, facility = null, number = 0) {
    let until = performance.now() + PATIENCE_MS;
    while (!this.#stopped) {
      const request = { v: 1, request: "fetch", max_events: 2000, max_bytes: 1 << 20 };
      if (this.#epoch !== null) Object.assign(request, { epoch: this.#epoch, after: this.#whole });
      if (this.#options.facilities) request.streams = this.#options.facilities;
      const page = await this.#ask(request);
      if (page === null) continue;
      yield* this.#inOrder(page);
      this.#move(page.next.epoch, page.next.after);
      if (!page.complete) {
        until = performance.now() + PATIENCE_MS;
        continue;
      }
      if (page.head.epoch === this.#epoch) {
        for (const [stream, newest] of Object.entries(page.head.streams)) this.#raise(stream, newest);
        this.#followsOnly = false;
        if (epoch !== null && epoch !== this.#epoch) {
          // Over: the gateway that answers was started later.
          if (!this.#passed.has(epoch)) this.#passed.set(epoch, 0);
          return;
        }
      }
      if (facility === null || (this.#epoch === epoch && this.#last(facility) >= number)) return;
      if (performance.now() > until) {
        if (this.#epoch !== epoch) return;
        // Announced, and never became durable while we waited.
        const streams = { [facility]: { from: this.#last(facility) + 1, to: number } };
        this.#streams.set(facility, number);
        yield this.#gap(epoch, this.#whole + 1, 0, "not_delivered", streams);
        return;
      }
      await sleep(100);
    }
  }

  /** Events and gaps in order of their numbers. */
  *#inOrder({ events, gaps }) {
    let at = 0;
    for (const { epoch, from, to, reason, streams } of gaps) {
      while (at < events.length && events[at].header.epoch === epoch && events[at].header.seq < from) yield* this.#fetched(events[at++]);
      this.#move(epoch, Math.max(to, from - 1));
      for (const [facility, bounds] of Object.entries(streams)) this.#raise(facility, bounds.to);
      yield this.#gap(epoch, from, to, reason, streams);
    }
    while (at < events.length) yield* this.#fetched(events[at++]);
  }

  *#fetched({ header, topic, payload }) {
    const { facility } = partsOf(topic);
    this.#partial ||= header.epoch === this.#epoch && header.seq > this.#whole + 1;
    this.#move(header.epoch, header.seq);
    if (header.stream_seq <= this.#last(facility)) return; // came live before
    this.#streams.set(facility, header.stream_seq);
    if (header.seq > (this.#passed.get(header.epoch) ?? 0)) yield this.#event(header, topic, payload);
  }

  #event(header, topic, payload) {
    const { epoch, seq, stream_seq } = header;
    return { kind: "event", epoch, seq, streamSeq: stream_seq, topic, header, payload, place: this.place };
  }

  #gap(epoch, first, last, reason, streams) {
    return { kind: "gap", epoch, first, last, reason, streams, place: this.place };
  }

  #last(facility) {
    return this.#streams.get(facility) ?? 0;
  }

  #raise(facility, number) {
    if (this.#options.facilities && !this.#options.facilities.includes(facility)) return;
    this.#streams.set(facility, Math.max(this.#last(facility), number));
  }

  /** Everything up to there was fetched, of every stream. */
  #move(epoch, seq) {
    if (epoch !== this.#epoch) {
      if (this.#epoch !== null) this.#passed.set(this.#epoch, Math.max(this.#newest, this.#passed.get(this.#epoch) ?? 0));
      this.#epoch = epoch;
      this.#whole = this.#newest = seq;
      this.#streams.clear();
      this.#sure.clear();
    }
    this.#whole = Math.max(this.#whole, seq);
    this.#newest = Math.max(this.#newest, seq);
  }

  /** The answer, or null when nobody answers: then a new socket, for REQ cannot ask twice. */
  async #ask(request) {
    if (this.#query === null) {
      this.#query = new zmq.Request({ receiveTimeout: PATIENCE_MS, linger: 0, ...this.#curve });
      this.#query.connect(this.#options.query);
    }
    let answer;
    try {
      await this.#query.send(JSON.stringify(request));
      const [frame] = await this.#query.receive();
      answer = JSON.parse(frame.toString());
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      this.#query.close(); // an answer of a gateway that has gone in between never comes
      this.#query = null;
      this.#tellSilence();
      return null;
    }
    if (answer.ok) return answer;
    if (!["timeout", "no_bandwidth"].includes(answer.error.kind)) throw new Error(answer.error.message);
    await sleep(500);
    return null;
  }
}
