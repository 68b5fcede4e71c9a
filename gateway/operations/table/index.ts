// The table of operations: each is described here once, and all that speaks of them is made from it.
import { Context, Option } from "effect"
import { HttpApi, OpenApi } from "effect/http-api"
import { agents } from "./agents.ts"
import { rounds } from "./consensus.ts"
import { type Address, AddressOf, EntryOf, type OperationEntry } from "./entry.ts"
import { clients, clientsAddress, system } from "./system.ts"
import { tasks } from "./tasks.ts"
import { allocations, markets, portfolios } from "./trading.ts"

export type { Address, OperationEntry, SocketOperation, SocketRequest } from "./entry.ts"
export { clientsAddress }

/** All operations as an `HttpApi`: its OpenAPI description and a typed client come from it too. */
export const api = HttpApi.make("conclave")
  .add(agents)
  .add(rounds)
  .add(allocations)
  .add(portfolios)
  .add(markets)
  .add(tasks)
  .add(clients)
  .add(system)
  .annotateMerge(OpenApi.annotations({ title: "Conclave", version: "1" }))

const endpoints = Object.values(api.groups).flatMap((group) => Object.values(group.endpoints))

const withKey = <A>(key: Context.Key<unknown, A>) =>
  endpoints.flatMap(({ annotations }) => Option.toArray(Context.getOption(annotations, key)))

/** What has a place in the API. */
export const apiAddresses: ReadonlyArray<Address> = withKey(AddressOf)

/** What is decoded, run and encoded in the same way, over whatever protocol. */
export const operations: ReadonlyArray<OperationEntry> = withKey(EntryOf)
