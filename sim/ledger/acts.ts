import fc from "fast-check"
import { ACTIVE_MILLIS } from "../world/setting.ts"

const TYPES = ["ledger", "book"] as const
const IDS = ["a", "b", "c", "d"] as const
const MORTALS = ["m0", "m1", "m2"] as const
const NAMES = ["t", "u"] as const
const MORTAL_MESSAGES: ReadonlyArray<MortalMessage> = ["Put", "Put", "Arm", "Arm", "Work", "Halt", "Fail"]
const BURST_MAX = 8

/** An actor that lives on. */
export interface ActTarget {
  readonly type: (typeof TYPES)[number]
  readonly id: (typeof IDS)[number]
}

/** What can be sent to an actor that may stop. */
export type MortalMessage = "Put" | "Arm" | "Work" | "Halt" | "Fail"

/** What a client can do. */
export type Act =
  /** Tells, all at once: they arrive in this order. */
  | { readonly act: "burst"; readonly to: ActTarget; readonly count: number }
  /** The same message again and again, one after the other or at the same time. */
  | { readonly act: "repeat"; readonly to: ActTarget; readonly times: number; readonly atOnce: boolean }
  | { readonly act: "move"; readonly to: ActTarget; readonly receiver: string; readonly amount: number }
  | { readonly act: "arm"; readonly to: ActTarget; readonly name: string; readonly millis: number }
  | { readonly act: "disarm"; readonly to: ActTarget; readonly name: string }
  | { readonly act: "work"; readonly to: ActTarget; readonly key: string }
  | { readonly act: "drop"; readonly to: ActTarget; readonly key: string }
  | { readonly act: "look"; readonly to: ActTarget }
  /** Looks again and again, without waiting for what came of it. */
  | { readonly act: "poll"; readonly to: ActTarget; readonly times: number; readonly everyMillis: number }
  | { readonly act: "fail"; readonly to: ActTarget }
  /** Of an actor that may stop: watches it, writes to it, stops it, or makes it fail. */
  | { readonly act: "follow"; readonly to: ActTarget; readonly mortal: string }
  | { readonly act: "mortal"; readonly message: MortalMessage; readonly mortal: string }
  /** As an operator: lets an actor rest, and go on. */
  | { readonly act: "pause"; readonly to: ActTarget; readonly millis: number }

/** What one client does, one thing after the other. */
export interface SenderPlan {
  /** Each with its time, in milliseconds since the beginning; later, if the one before it has not ended. */
  readonly acts: ReadonlyArray<{ readonly at: number; readonly what: Act }>
}

/** By process, and of each by the senders in it. */
export type LedgerWorkload = ReadonlyArray<ReadonlyArray<SenderPlan>>

const PROCESSES_MAX = 2
const SENDERS_MAX = 3
/** What one sender does at most: many short runs find more than few long ones. */
const ACTS_MAX = 20
const PARTS = 1_000

const key = fc.constantFrom(...NAMES)
const mortal = fc.constantFrom(...MORTALS)
const kind = <A extends Act["act"]>(act: A) => fc.constant(act)

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Act> }

const weighted = (weight: number, arbitrary: fc.Arbitrary<Act>): Weighted => ({ weight, arbitrary })

/** What can be done to some actors. */
const actsOn = (to: fc.Arbitrary<ActTarget>): fc.Arbitrary<Act> =>
  fc.oneof(
    weighted(10, fc.record({ act: kind("look"), to })),
    weighted(
      4,
      fc.record({
        act: kind("poll"),
        to,
        times: fc.integer({ min: 2, max: 20 }),
        everyMillis: fc.constantFrom(20, 200)
      })
    ),
    weighted(10, fc.record({ act: kind("burst"), to, count: fc.integer({ min: 1, max: BURST_MAX }) })),
    weighted(5, fc.record({ act: kind("repeat"), to, times: fc.integer({ min: 2, max: 3 }), atOnce: fc.boolean() })),
    weighted(
      10,
      fc.record({
        act: kind("move"),
        to,
        receiver: fc.constantFrom(...IDS),
        amount: fc.integer({ min: 1, max: 9 })
      })
    ),
    weighted(10, fc.record({ act: kind("arm"), to, name: key, millis: fc.constantFrom(0, 20, 300, 2_000) })),
    weighted(5, fc.record({ act: kind("disarm"), to, name: key })),
    weighted(6, fc.record({ act: kind("work"), to, key })),
    weighted(2, fc.record({ act: kind("drop"), to, key })),
    weighted(2, fc.record({ act: kind("fail"), to })),
    weighted(4, fc.record({ act: kind("follow"), to, mortal })),
    weighted(6, fc.record({ act: kind("mortal"), message: fc.constantFrom(...MORTAL_MESSAGES), mortal })),
    weighted(1, fc.record({ act: kind("pause"), to, millis: fc.constantFrom(20, 500, 6_000) }))
  )

const workloadsOn = (to: fc.Arbitrary<ActTarget>): fc.Arbitrary<LedgerWorkload> => {
  const timed = fc.record({ part: fc.nat(PARTS - 1), what: actsOn(to) })
  const sender = fc
    .record({
      from: fc.nat(ACTIVE_MILLIS - 1),
      millis: fc.constantFrom(1_000, 5_000, ACTIVE_MILLIS),
      acts: fc.array(timed, { maxLength: ACTS_MAX, size: "max" })
    })
    .map(({ from, millis, acts }) => ({
      acts: acts
        .map(({ part, what }) => ({ at: Math.round(from + (part / PARTS) * millis) % ACTIVE_MILLIS, what }))
        .sort((one, other) => one.at - other.at)
    }))
  const senders = fc.array(sender, { minLength: 1, maxLength: SENDERS_MAX, size: "max" })
  return fc.array(senders, { minLength: 1, maxLength: PROCESSES_MAX, size: "max" })
}

/** Many actors, or two that everybody writes to: some defects show only where much happens to one. */
export const ledgerWorkloads: fc.Arbitrary<LedgerWorkload> = fc.oneof(
  workloadsOn(fc.record({ type: fc.constantFrom(...TYPES), id: fc.constantFrom("a") })),
  workloadsOn(fc.record({ type: fc.constantFrom(...TYPES), id: fc.constantFrom(...IDS) }))
)

export const describeLedger = (workload: LedgerWorkload): ReadonlyArray<string> =>
  workload.flatMap((senders, process) =>
    senders.flatMap(({ acts }, index) =>
      acts.map(({ at, what: { act, ...rest } }) => `s${process}${index} at ${at} ms: ${act} ${JSON.stringify(rest)}`)
    )
  )
