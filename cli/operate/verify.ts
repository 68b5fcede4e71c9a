// `conclave verify`: a closed round recomputed from its journal.
import { Effect, Option, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { consensusActor, type Verification, verifyRound } from "../../actors/index.ts"
import { ConsensusId, ConsensusProtocol } from "../../protocols/index.ts"
import { addressOf, type Inspection, type Operators } from "../../runtime/index.ts"
import { sureness } from "../print.ts"
import { counted, plain } from "../table.ts"
import { NotAll, operate, operatorFlags } from "./operate.ts"

/** More than a round can have: its words and refusals are bounded. */
const RECORDS_MAX = 10_000

const VALUE_CHARACTERS_MAX = 200

/** Reads a round's journal with the rights of an operator, and recomputes it. */
export const verifyConsensus = (operators: Operators["Service"], consensusId: string) =>
  Effect.map(
    operators.inspect(addressOf(ConsensusProtocol, consensusId), { definition: consensusActor, last: RECORDS_MAX }),
    (found) => verified(consensusId, found)
  )

const verified = (consensusId: string, { records, fault }: Inspection): Verification => {
  const events = records.flatMap(({ steps }) =>
    steps.flatMap(({ time, events = [] }) => events.map(({ _tag, data }) => ({ _tag, data, time })))
  )
  const verification = verifyRound(consensusId, events)
  const broken = fault ?? gapOf(records)
  if (broken === undefined) return verification
  const differences = [{ what: "journal", recorded: broken, computed: "every record, each naming the one before it" }]
  return { ...verification, equal: false, differences: [...differences, ...verification.differences] }
}

const readPrevious = Schema.decodeUnknownOption(Schema.Struct({ previous: Schema.Int }))

/** The first record whose predecessor is not there; the complete history of a round begins with its first record. */
const gapOf = (records: Inspection["records"]): string | undefined => {
  let before = 0
  for (const { sequence, content } of records) {
    const previous = Option.map(readPrevious(content), (read) => read.previous)
    if (Option.getOrUndefined(previous) !== before) return `the record before ${sequence} is missing`
    before = sequence
  }
  return undefined
}

/** What verifying found, for people. */
export const verificationText = ({
  consensus_id,
  phase,
  words,
  chain_hash,
  result,
  ...found
}: Verification): string => {
  const chain = `${counted(words, "word")} in the chain, head ${chain_hash ?? "none"}`
  if (!found.equal) {
    const lines = found.differences.map(
      ({ what, recorded, computed }) =>
        `  ${plain(what, 100)}: recorded ${valueText(recorded)}, computed ${valueText(computed)}`
    )
    return [`${consensus_id} differs`, `  ${chain}`, ...lines].join("\n")
  }
  if (phase !== "closed" || result === undefined) return `${consensus_id} is ${phase}, and equal so far\n  ${chain}`
  const { final_decision, method, resolution, closed_by, consensus_achieved } = result
  const how = consensus_achieved
    ? `achieved by ${method}`
    : `not achieved by ${method}, ${resolution ?? "no resolution"}`
  return [
    `${consensus_id} is equal`,
    `  ${chain}`,
    `  ${final_decision} ${sureness(result, 4)}, ${how}, closed by ${closed_by} at ${result.closed_at}`
  ].join("\n")
}

const valueText = (value: unknown): string =>
  value === undefined ? "nothing" : plain(JSON.stringify(value), VALUE_CHARACTERS_MAX)

/** `conclave verify`: exit code 1 if anything differs. */
export const verify = Command.make(
  "verify",
  {
    consensus: Argument.String("consensus_id").pipe(
      Argument.withDescription("The id of a consensus round"),
      Argument.map((text) => text.trim().toUpperCase()),
      Argument.withSchema(ConsensusId)
    ),
    ...operatorFlags
  },
  (given) =>
    Effect.gen(function* () {
      let differs = 0
      yield* operate(given, (operators) =>
        Effect.map(verifyConsensus(operators, given.consensus), (found) => {
          differs = found.differences.length
          return { text: verificationText(found), json: jsonOf(found) }
        })
      )
      if (differs > 0)
        return yield* new NotAll({ detail: `the journal of ${given.consensus} differs in ${differs} places` })
    })
).pipe(Command.withDescription("Recompute a consensus round from its journal: equal, or what differs"))

const jsonOf = (found: Verification) => ({
  ...found,
  chain_hash: found.chain_hash ?? null,
  result: found.result ?? null
})
