// Runs before a codec in its context. What it returns is held outside and cannot be reached from the codec.
(function () {
  "use strict";
  const RealDate = Date, parse = JSON.parse, stringify = JSON.stringify, construct = Reflect.construct;
  const names = Object.getOwnPropertyNames, describe = Object.getOwnPropertyDescriptor, define = Object.defineProperty;
  const freeze = Object.freeze, finite = Number.isFinite, world = globalThis;
  let now = 0, known = 0;

  // the same bytes give the same result: the clock is the uplink's, and nothing is random
  function Clock(...given) {
    if (!new.target) return new RealDate(now).toString();
    return given.length ? construct(RealDate, given, new.target === Clock ? RealDate : new.target) : new RealDate(now);
  }
  Clock.prototype = RealDate.prototype;
  define(Clock.prototype, "constructor", { value: Clock, writable: true, configurable: true });
  Clock.now = () => now;
  Clock.UTC = RealDate.UTC;
  Clock.parse = RealDate.parse;
  world.Date = Clock;
  Math.random = () => 0.5;
  if (world.performance) world.performance = undefined;
  const quiet = () => undefined;
  world.console = { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet };

  function plain(name, value) {
    const kind = typeof value;
    if (kind === "number" && !finite(value)) throw new TypeError("field " + name + " is no finite number");
    if (kind === "function" || kind === "symbol" || kind === "bigint") throw new TypeError("field " + name + " is a " + kind);
    return value;
  }

  function said(result) {
    const text = stringify(result, plain);
    if (text === undefined) throw new TypeError("returned nothing");
    if (text.length > 131072) throw new RangeError("returned " + text.length + " characters of JSON");
    return text;
  }

  function settle(value, seen) {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    for (const name of names(value)) {
      const one = describe(value, name);
      if (one && "value" in one) settle(one.value, seen);
    }
    freeze(value);
  }

  return {
    // makes everything that is there now immutable, so that one message cannot leave a trace for the next
    seal() {
      const seen = new Set();
      for (const name of names(world)) {
        const one = describe(world, name);
        if (one && "value" in one && one.value !== world) {
          settle(one.value, seen);
          if (one.configurable) define(world, name, { writable: false, configurable: false });
        }
      }
      known = names(world).length;
    },
    untouched: () => names(world).length === known,
    call(entries, text) {
      const given = parse(text);
      now = given.now;
      const input = { bytes: given.bytes, fPort: given.fPort, recvTime: new Clock(), variables: given.variables };
      if (entries.decodeUplink) {
        const result = entries.decodeUplink(input);
        if (typeof result !== "object" || result === null) throw new TypeError("decodeUplink returned no object");
        return said(result);
      }
      const data = entries.Decode ? entries.Decode(given.fPort, given.bytes, given.variables)
        : entries.Decoder(given.bytes, given.fPort);
      return said({ data: data === undefined ? null : data });
    },
    normalise(entries, text) {
      const result = entries.normalizeUplink(parse(text));
      if (typeof result !== "object" || result === null) throw new TypeError("normalizeUplink returned no object");
      return said(result);
    },
  };
})()
