import { Schema } from "effect"
import { ModelLimitsProtocol, open } from "../../protocols/index.ts"
import { type Actor, define } from "../../runtime/index.ts"
import { admit, Circuit, closedCircuit, record, TokenBucket, take } from "./circuit.ts"

const State = open({
  circuits: Schema.Record(Schema.String, Circuit),
  buckets: Schema.Record(Schema.String, TokenBucket)
})
type State = typeof State.Type

const circuitOf = ({ circuits }: State, key: string): Circuit =>
  Object.hasOwn(circuits, key) ? circuits[key]! : closedCircuit

/** What is told of a breaker. */
const shown = ({ state, generation, openings, open_until }: Circuit, now: number) => ({
  state,
  generation,
  openings,
  retry_after_ms: state === "open" ? Math.max(0, open_until - now) : 0
})

/**
 * The limits of a language model, for all nodes that ask it; its id is `modelLimitsId`.
 *
 * It keeps a breaker for each kind of who is served, and buckets that requests are taken from. Guarantees: of a breaker that is half
 * open one request goes, whichever node sends it; what is taken by all nodes together is no more than the rate.
 */
export const modelLimitsActor: Actor = define({
  protocol: ModelLimitsProtocol,
  state: State,
  initial: (): State => ({ circuits: {}, buckets: {} }),
  events: {
    CircuitMoved: { key: Schema.String, circuit: Circuit },
    Taken: { key: Schema.String, bucket: TokenBucket }
  },
  decide: {
    Admit: (state, { key }, step) => {
      const before = circuitOf(state, key)
      const { circuit, admitted, tries } = admit(before, step.time)
      if (circuit !== before) step.persist("CircuitMoved", { key, circuit })
      step.reply({ ...shown(circuit, step.time), admitted, tries })
    },
    Record: (state, { key, ...ended }, step) => {
      const before = circuitOf(state, key)
      const circuit = record(before, ended, step.time)
      if (circuit !== before) step.persist("CircuitMoved", { key, circuit })
      const turned = circuit.state === before.state ? {} : { from: before.state, to: circuit.state }
      step.reply({ ...turned, openings: circuit.openings })
    },
    Take: (state, { key, ...wanted }, step) => {
      const known = Object.hasOwn(state.buckets, key) ? state.buckets[key] : undefined
      const { bucket, remaining, elapsed_ms } = take(known, wanted, step.time)
      if (remaining >= 0) step.persist("Taken", { key, bucket })
      step.reply({ remaining, elapsed_ms })
    },
    GetState: (state, { key }, step) =>
      step.reply({ ...shown(circuitOf(state, key), step.time), admitted: true, tries: false })
  },
  evolve: {
    CircuitMoved: (state, { key, circuit }) => ({ ...state, circuits: { ...state.circuits, [key]: circuit } }),
    Taken: (state, { key, bucket }) => ({ ...state, buckets: { ...state.buckets, [key]: bucket } })
  }
})
