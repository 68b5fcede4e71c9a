import { Context, type Effect, Schema } from "effect"
import type { Actor } from "../../actor.ts"
import { ANY_ROLE } from "../../address.ts"
import type { Announcement } from "../../leases.ts"
import type { EngineOptions } from "../engine.ts"

export interface NodeOptions extends EngineOptions {
  /** What it may be told apart by: it serves actors whose role is one of them, and those without a role. None unless given. */
  readonly labels?: ReadonlyArray<string>
}

/** A defect in the engine ended the node; others do its work. Its process is of no use any more. */
export class NodeBroken extends Schema.TaggedError<NodeBroken>()("NodeBroken", {
  node: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `the node ${this.node} is broken and has left: ${this.detail}`
  }
}

/** The node of this process. */
export class LocalNode extends Context.Service<
  LocalNode,
  {
    readonly name: string
    /** Waits until the node is broken, and fails then: it has left, and its process should end. */
    readonly broken: Effect.Effect<never, NodeBroken>
  }
>()("conclave/runtime/LocalNode") {}

/** What a node says of itself and never changes. */
export type Profile = Pick<Announcement, "labels" | "roles" | "types" | "protocols" | "serves" | "since">

export const profileOf = ({ labels = [], actors }: NodeOptions, since: number): Profile => {
  const roleOf = ({ definition }: Actor) => definition.protocol.role ?? ANY_ROLE
  const roles = [...new Set(actors.map(roleOf))].filter((role) => role === ANY_ROLE || labels.includes(role)).sort()
  const typesOf = (role: string) => actors.filter((actor) => roleOf(actor) === role).map(({ type }) => type)
  return {
    labels,
    roles,
    serves: Object.fromEntries(roles.map((role) => [role, typesOf(role)])),
    types: Object.fromEntries(actors.map(({ type, definition }) => [type, definition.version ?? 1])),
    protocols: Object.fromEntries(actors.map(({ type, definition }) => [type, definition.protocol.version ?? 1])),
    since
  }
}
