import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { everything } from "../../gateway/auth/grant.ts"
import { defaultLimits } from "../../gateway/policy.ts"
import { costOf, tooCostly, unread } from "../../gateway/socket/excess.ts"
import {
  type Action,
  joined,
  open,
  receive,
  refused,
  type Session,
  type Transition
} from "../../gateway/socket/session.ts"
import { ErrorData } from "../../protocols/index.ts"

const limits = { ...defaultLimits, subscriptionsMax: 3, operationsPerSecond: 10 }
const fresh = () => open("s1", limits, everything).session

const text = (text: string) => ({ kind: "text", text, size: Buffer.byteLength(text) }) as const

const say = (session: Session, operation: unknown): Transition => receive(session, text(JSON.stringify(operation)))

const subscribed = (session: Session, id: string): Session =>
  joined(say(session, { op: "subscribe", id, pattern: "decision.>" }).session, id, 4).session

const frames = (actions: ReadonlyArray<Action>) =>
  actions.flatMap((action) => (action.do === "send" ? [action.frame] : []))

const errorOf = (transition: Transition): ErrorData => {
  const [frame] = frames(transition.actions)
  assert.strictEqual(frame?.type, "error")
  return Schema.decodeUnknownSync(ErrorData)(frame?.data)
}

const broken: ReadonlyArray<
  readonly [name: string, operation: unknown, code: string, id: string | null, message: RegExp]
> = [
  ["no object", 5, "invalid_operation", null, /JSON object/],
  ["null", null, "invalid_operation", null, /JSON object/],
  ["a list", [{ op: "ping", id: "a" }], "invalid_operation", null, /JSON object/],
  ["no op", { id: "a" }, "invalid_operation", "a", /`op`: must be one of subscribe, unsubscribe, auth, ping/],
  ["an unknown op", { op: "fly", id: "a" }, "invalid_operation", "a", /`op`: must be one of/],
  ["no id", { op: "ping" }, "invalid_operation", null, /`id`: this field is required/],
  ["an id that is no text", { op: "ping", id: 7 }, "invalid_operation", null, /`id`: expected a string/],
  ["an endless id", { op: "ping", id: "i".repeat(65) }, "invalid_operation", null, /`id`: .*64/],
  ["no pattern", { op: "subscribe", id: "a" }, "invalid_operation", "a", /`pattern`: this field is required/],
  ["a pattern that is no text", { op: "subscribe", id: "a", pattern: 1 }, "invalid_pattern", "a", /`pattern`/],
  ["an empty token", { op: "subscribe", id: "a", pattern: "a..b" }, "invalid_pattern", "a", /empty tokens/],
  ["a wildcard in a token", { op: "subscribe", id: "a", pattern: "a.b*" }, "invalid_pattern", "a", /stand alone/],
  ["> before the end", { op: "subscribe", id: "a", pattern: ">.a" }, "invalid_pattern", "a", /last token/],
  ["a space", { op: "subscribe", id: "a", pattern: "a b" }, "invalid_pattern", "a", /spaces/],
  [
    "a start nobody knows",
    { op: "subscribe", id: "a", pattern: "a", start: "then" },
    "invalid_operation",
    "a",
    /`start`/
  ],
  [
    "a sequence below one",
    { op: "subscribe", id: "a", pattern: "a", start: { seq: 0 } },
    "invalid_operation",
    "a",
    /start/
  ],
  [
    "a time that is none",
    { op: "subscribe", id: "a", pattern: "a", start: { time: "x" } },
    "invalid_operation",
    "a",
    /start/
  ],
  [
    "an unknown policy",
    { op: "subscribe", id: "a", pattern: "a", on_slow: "x" },
    "invalid_operation",
    "a",
    /`on_slow`/
  ],
  [
    "too much to wait",
    { op: "subscribe", id: "a", pattern: "a", pending_bytes: 9e6 },
    "invalid_operation",
    "a",
    /8388608/
  ],
  ["an endless pattern", { op: "subscribe", id: "a", pattern: "p".repeat(50_000) }, "invalid_pattern", "a", /256/]
]

describe("a session", () => {
  it("welcomes with its id and limits", () => {
    const [frame] = frames(open("s1", limits, everything).actions)
    assert.strictEqual(frame?.type, "welcome")
    assert.deepInclude(frame?.data, { protocol: 1, session: "s1" })
    assert.deepInclude(frame?.data, {
      limits: {
        subscriptions: 3,
        operations_per_second: 10,
        bytes_per_second: 262_144,
        frame_bytes: 65_536,
        pending_bytes: 8_388_608
      }
    })
  })

  it("says subscribed once the subscription has joined, and a result for its end", () => {
    const asked = say(fresh(), { op: "subscribe", id: "a", pattern: "decision.>" })
    assert.deepStrictEqual(asked.actions, [
      { do: "subscribe", id: "a", pattern: "decision.>", start: "new", onSlow: "close", bytesMax: 8_388_608 }
    ])
    const live = joined(asked.session, "a", 4)
    assert.deepStrictEqual(frames(live.actions)[0], {
      type: "subscribed",
      seq: null,
      subject: null,
      data: { id: "a", pattern: "decision.>", seq: 4 }
    })
    const ended = say(live.session, { op: "unsubscribe", id: "a" })
    assert.deepStrictEqual(ended.actions[0], { do: "unsubscribe", id: "a" })
    assert.deepStrictEqual(frames(ended.actions)[0]?.data, { id: "a", op: "unsubscribe", ok: true })
    assert.strictEqual(ended.session.subscriptions.size, 0)
  })

  it("ignores a subscription that joins or fails after its end", () => {
    const asked = say(fresh(), { op: "subscribe", id: "a", pattern: "decision.>" }).session
    const ended = say(asked, { op: "unsubscribe", id: "a" }).session
    assert.deepStrictEqual(joined(ended, "a", 4).actions, [])
    assert.deepStrictEqual(refused(ended, "a").actions, [])
  })

  it("frees the id of a subscription that could not be opened", () => {
    const asked = say(fresh(), { op: "subscribe", id: "a", pattern: "decision.>" }).session
    const failed = refused(asked, "a")
    assert.deepStrictEqual(errorOf(failed), {
      id: "a",
      code: "internal",
      message: "events cannot be read now: try again later"
    })
    assert.strictEqual(say(failed.session, { op: "subscribe", id: "a", pattern: "x" }).actions[0]?.do, "subscribe")
  })

  it("refuses a second subscription of one id, one that is not there, and one too many", () => {
    const one = subscribed(fresh(), "a")
    const twice = say(one, { op: "subscribe", id: "a", pattern: "tool.>" })
    assert.deepInclude(errorOf(twice), { id: "a", code: "duplicate_subscription" })
    assert.deepInclude(errorOf(say(one, { op: "unsubscribe", id: "b" })), { id: "b", code: "unknown_subscription" })
    const full = subscribed(subscribed(one, "b"), "c")
    const more = errorOf(say(full, { op: "subscribe", id: "d", pattern: "tool.>" }))
    assert.deepInclude(more, {
      id: "d",
      code: "too_many_subscriptions",
      message: "a client has at most 3 subscriptions (GATEWAY_SUBSCRIPTIONS)"
    })
  })

  for (const [name, operation, code, id, message] of broken) {
    it(`answers an error that names field and rule: ${name}`, () => {
      const before = fresh()
      const after = say(before, operation)
      const error = errorOf(after)
      assert.deepStrictEqual<unknown>([error.code, error.id], [code, id])
      assert.match(error.message, message)
      assert.isBelow(error.message.length, 200)
      assert.strictEqual(after.session, before)
    })
  }

  it("answers an error to truncated JSON, to bytes, to too many of them and to what is nested too deep", () => {
    const error = (inbound: Parameters<typeof receive>[1]) => errorOf(receive(fresh(), inbound))
    assert.strictEqual(error(text('{"op":"ping","id":')).code, "malformed_json")
    assert.strictEqual(error(text("")).code, "malformed_json")
    assert.strictEqual(error({ kind: "binary", size: 3 }).code, "binary_frame")
    const large = error({ kind: "oversized", size: 70_000 })
    assert.deepStrictEqual([large.code, /65536.*70000/.test(large.message)], ["frame_too_large", true])
    const nested = (depth: number) => error(text(`${"[".repeat(depth)}"]\\"]"${"]".repeat(depth)}`))
    assert.match(nested(65).message, /at most 64 deep/)
    const context = `{"op":"x","id":"7","request":{"context":${"[".repeat(64)}`
    assert.deepInclude(error(text(context)), {
      id: "7",
      code: "invalid_operation",
      message: "`request`: objects and lists lie at most 64 deep in each other"
    })
    assert.deepInclude(nested(64), { code: "invalid_operation", message: "an operation is a JSON object" })
  })

  it("never throws and never answers without a frame, whatever text comes", () => {
    const any = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ op: fc.string(), id: fc.anything() }).map((x) => JSON.stringify(x))
    )
    fc.assert(fc.property(any, (any) => assert.isAbove(receive(fresh(), text(any)).actions.length, 0)))
  })

  it("answers what is too much without reading it, but for the id of what is short", () => {
    const refusal = (inbound: Parameters<typeof unread>[1]) => errorOf(unread(fresh(), inbound, "too_many"))
    assert.deepStrictEqual(refusal(text('{"op":"ping","id":"p"}')), {
      id: "p",
      code: "rate_limited",
      message: "at most 10 operations per second (GATEWAY_FRAMES_PER_SECOND)"
    })
    assert.strictEqual(refusal(text(JSON.stringify({ id: "p", filler: "f".repeat(300) }))).id, null)
    assert.strictEqual(refusal({ kind: "binary", size: 1 }).id, null)
    const { message } = errorOf(unread(fresh(), text("{}"), "too_fast"))
    assert.match(message, /262144 bytes per second \(GATEWAY_BYTES_PER_SECOND\)/)
  })

  it("counts against a client what is no operation, and not what it may not have", () => {
    assert.isTrue(say(fresh(), { op: "fly", id: "a" }).fault)
    assert.isUndefined(say(fresh(), { op: "unsubscribe", id: "a" }).fault)
  })

  it("knows what costs more than its frame, and can do nothing of it", () => {
    const cost = (operation: object) => costOf(say(fresh(), { id: "a", ...operation }))
    assert.deepStrictEqual(cost({ op: "status", of: { symbol: "A" } }), { kind: "ask", id: "a" })
    assert.deepStrictEqual(cost({ op: "subscribe", pattern: "a", start: "last" }), { kind: "history", id: "a" })
    assert.isUndefined(cost({ op: "subscribe", pattern: "a" }))
    assert.isUndefined(cost({ op: "ping" }))
    const before = fresh()
    const after = tooCostly(before, { kind: "history", id: "a" }, "one")
    assert.deepStrictEqual([after.session, after.fault], [before, true])
    assert.match(errorOf(after).message, /GATEWAY_HISTORIES_PER_SECOND/)
    const asks = (of: "one" | "all") => errorOf(tooCostly(before, { kind: "ask", id: "a" }, of)).message
    assert.match(asks("one"), /10 .*\(GATEWAY_ASKS_PER_SECOND\)/)
    assert.match(asks("all"), /200 .*all connections of one client.*\(GATEWAY_ASKS_PER_SECOND_PER_CLIENT\)/)
  })
})
