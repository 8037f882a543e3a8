// Types of kanhu_subscriber.mjs.

/** Up to event `seq` of `epoch` nothing is missing: what to store, and to give as `after`. It may lie behind the item that has it. */
export interface Place {
  epoch: string;
  seq: number;
}

export interface Header {
  v: 1;
  epoch: string;
  seq: number;
  stream_seq: number;
  /** µs since 1970 UTC */
  t: number;
  /** µs since 1970 UTC; not of a fetched event */
  published?: number;
  durable: boolean;
  provisional: boolean;
  [more: string]: unknown;
}

/** A CloudEvents 1.0 event; `data` as docs/events.md has it. */
export interface Payload {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  time: string;
  subject: string;
  dataschema: string;
  datacontenttype: string;
  data: { phase: "start" | "update" | "end" | "point"; severity: "info" | "warning" | "alarm"; [more: string]: unknown };
}

export interface Event {
  kind: "event";
  epoch: string;
  seq: number;
  streamSeq: number;
  topic: string;
  header: Header;
  payload: Payload;
  place: Place;
}

/** `first` to `last` of `epoch` will not come; `last` 0: nobody knows how many. */
export interface Gap {
  kind: "gap";
  epoch: string;
  first: number;
  last: number;
  /** As in docs/events.md, and "not_delivered": announced, and not durable while we waited. */
  reason: string;
  streams: Record<string, { from: number; to: number }>;
  place: Place;
}

export interface Options {
  live: string;
  query: string;
  facilities?: string[];
  after?: Place | "oldest" | null;
  onSilence?: (seconds: number) => void;
  curveServerKey?: string;
  curvePublicKey?: string;
  curveSecretKey?: string;
}

export declare class Subscriber implements AsyncIterable<Event | Gap> {
  constructor(options: Options);
  stop(): void;
  get silence(): number;
  get place(): Place | null;
  [Symbol.asyncIterator](): AsyncGenerator<Event | Gap, void, undefined>;
}
