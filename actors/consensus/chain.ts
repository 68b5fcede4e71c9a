import { createHash } from "node:crypto"
import type { Abstention, ClosedBy, Refused, RoundRequest, Vote } from "../../protocols/index.ts"

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

/**
 * A value as the one JSON text that stands for it: members sorted by name (by UTF-16 code units), no spaces, numbers and
 * strings as ECMAScript writes them. That is the JSON Canonicalization Scheme, RFC 8785. Members that are undefined are left out.
 */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`
}

/** SHA-256 of a text in UTF-8, as hexadecimal digits. A pure function. */
export const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

/** Where a round's chain begins: the hash of what was asked, so that no vote can be moved to another question. */
export const chainStart = (consensusId: string, request: RoundRequest): string =>
  sha256(canonical({ consensus_id: consensusId, request }))

/** The chain's head after one more link: SHA-256 of the head before it, a line feed, and what is linked as canonical JSON. */
export const chainNext = (head: string, { kind, at, word }: ChainedBallot | Incident): string =>
  sha256(`${head}\n${canonical({ kind, at, word })}`)
