import { assert, it } from "@effect/vitest"
import { Schema, SchemaTransformation } from "effect"
import { applyRecord, emptyActor } from "../../runtime/engine/step/actor-state.ts"
import { compile } from "../../runtime/engine/step/compiled.ts"
import { decideMail } from "../../runtime/engine/step/decide.ts"
import { define, persist } from "../../runtime/index.ts"

/** A number that is stored with two digits. */
const Rounded = Schema.String.pipe(
  Schema.decodeTo(
    Schema.Finite,
    SchemaTransformation.transform({ decode: Number, encode: (value: number) => value.toFixed(2) })
  )
)

const scale = define({
  protocol: { type: "scale", messages: { Weigh: { payload: Schema.Struct({ kilos: Schema.Finite }) } } },
  state: Schema.Finite,
  initial: () => 0,
  events: { Weighed: { kilos: Rounded } },
  decide: { Weigh: (_, { kilos }) => [persist({ _tag: "Weighed", kilos })] },
  evolve: { Weighed: (total, { kilos }) => total + kilos }
})

it("the state after a step is what folding its record gives, also where a schema rounds", () => {
  const compiled = compile(scale)
  const self = { type: "scale", id: "a" }
  const limits = { payloadBytesMax: 1_000_000, groupEntriesMax: 1_000, groupBytesMax: 1_000_000 }
  const payload = JSON.stringify({ kind: "message", message: "Weigh", body: { kilos: 1.23456 }, correlation: "" })
  const mail = { to: self, shard: "any.0", sequence: 1, time: 0, payload }
  const verdict = decideMail(compiled, emptyActor(compiled, self), mail, limits)
  if (verdict.kind !== "commit") return assert.fail("nothing was decided")
  const recovered = emptyActor(compiled, self)
  applyRecord(compiled, recovered, { version: 1, kept: 1, previous: 0, steps: [JSON.parse(verdict.text)] })
  assert.strictEqual(verdict.state, recovered.state)
  assert.strictEqual(verdict.state, 1.23)
})
