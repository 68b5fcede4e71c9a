import { Schema } from "effect"
import { ModelLimitsProtocol, open } from "../../protocols/index.ts"
import { type Actor, define, persist, reply } from "../../runtime/index.ts"
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
    Admit: (state, { key }, { time }) => {
      const before = circuitOf(state, key)
      const { circuit, admitted, tries } = admit(before, time)
      return [
        ...(circuit === before ? [] : [persist({ _tag: "CircuitMoved", key, circuit } as const)]),
        reply({ ...shown(circuit, time), admitted, tries })
      ]
    },
    Record: (state, { key, ...ended }, { time }) => {
      const before = circuitOf(state, key)
      const circuit = record(before, ended, time)
      const turned = circuit.state === before.state ? {} : { from: before.state, to: circuit.state }
      return [
        ...(circuit === before ? [] : [persist({ _tag: "CircuitMoved", key, circuit } as const)]),
        reply({ ...turned, openings: circuit.openings })
      ]
    },
    Take: (state, { key, ...wanted }, { time }) => {
      const known = Object.hasOwn(state.buckets, key) ? state.buckets[key] : undefined
      const { bucket, remaining, elapsed_ms } = take(known, wanted, time)
      return [
        ...(remaining < 0 ? [] : [persist({ _tag: "Taken", key, bucket } as const)]),
        reply({ remaining, elapsed_ms })
      ]
    },
    GetState: (state, { key }, { time }) => [
      reply({ ...shown(circuitOf(state, key), time), admitted: true, tries: false })
    ]
  },
  evolve: {
    CircuitMoved: (state, { key, circuit }) => ({ ...state, circuits: { ...state.circuits, [key]: circuit } }),
    Taken: (state, { key, bucket }) => ({ ...state, buckets: { ...state.buckets, [key]: bucket } })
  }
})
