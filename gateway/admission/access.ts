import type { Grant, Operation } from "../auth/grant.ts"
import { type Failure, forbiddenOperation } from "../failures/failure.ts"
import type { Costly } from "./costs.ts"

/** What has to be so before an address, or an operation, does what it is for. */
export interface Access {
  /** Whether it is for those alone who are known, where clients have to say who they are. */
  readonly guarded: boolean
  /** From whose pages a browser may ask for it: from all, or from the gateway's own and those that are allowed. */
  readonly pages: "all" | "allowed"
  /** Of which requests the rate of their address is kept: of all, of those of strangers, or of none. */
  readonly rated: "all" | "strangers" | "none"
  /** What a token or key has to allow; nothing where being known is enough. */
  readonly right?: Operation
  /** What it costs besides its request or frame. */
  readonly cost?: Costly
}

/** Anybody may have it, as often as an address may ask for anything. */
export const PUBLIC: Access = { guarded: false, pages: "all", rated: "all" }

/** It says whether the gateway is well to those who watch over it, and costs next to nothing. */
export const WATCHED: Access = { guarded: false, pages: "all", rated: "none" }

/** Whoever is known may have it. */
export const KNOWN: Access = { guarded: true, pages: "allowed", rated: "all" }

/** What agents answer, to whom the right allows it. */
export const asking = (right: Operation): Access => ({ ...KNOWN, right, cost: "ask" })

/** Why somebody who is known may not have it; nothing where the right is theirs. */
export const refuseRight = ({ right }: Pick<Access, "right">, grant: Grant): Failure | undefined =>
  right === undefined || grant.may(right) ? undefined : forbiddenOperation(right)

/** To be told that there is nothing there needs no right, and costs no more than the request. */
export const withoutUse = ({ guarded, pages, rated }: Access): Access => ({
  guarded,
  pages,
  rated: rated === "none" ? "none" : "all"
})
