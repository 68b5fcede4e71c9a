import { createHash } from "node:crypto"
import type { Abstention, ClosedBy, Refused, RoundRequest, Vote } from "../../protocols/index.ts"
import { canonical } from "../../runtime/index.ts"

/** Something said in a round, as it joins the chain. `at` is when it was stored, in milliseconds since 1970. */
export interface ChainedBallot {
  readonly kind: "vote" | "abstention"
  readonly at: number
  readonly word: Vote | Abstention
}

/** Something else that happened in a round, as it joins the chain of one that is chained whole. */
export type Incident =
  | { readonly kind: "refusal"; readonly at: number; readonly word: Pick<Refused, "refusal" | "agent_id"> }
  | {
      readonly kind: "escalation"
      readonly at: number
      readonly word: { readonly ended_by: ClosedBy; readonly early: boolean }
    }
  | { readonly kind: "cancellation"; readonly at: number; readonly word: { readonly reason: string } }

/** SHA-256 of a text in UTF-8, as hexadecimal digits. A pure function. */
export const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

/** Where a round's chain begins: the hash of what was asked, so that no vote can be moved to another question. */
export const chainStart = (consensusId: string, request: RoundRequest): string =>
  sha256(canonical({ consensus_id: consensusId, request }))

/** The chain's head after one more link: SHA-256 of the head before it, a line feed, and what is linked as canonical JSON. */
export const chainNext = (head: string, { kind, at, word }: ChainedBallot | Incident): string =>
  sha256(`${head}\n${canonical({ kind, at, word })}`)
