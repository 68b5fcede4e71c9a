import { Context, Effect, Result, Schema, SchemaAST, type SchemaIssue, SchemaParser } from "effect"
import { type HttpApiEndpoint, OpenApi } from "effect/http-api"
import type { Actors } from "../../../runtime/index.ts"
import type { Access } from "../../admission/access.ts"
import { type Fault, faultOf } from "../../failures/fault.ts"
import type { Caller } from "../caller.ts"
import type { OperationFailure } from "../failures.ts"
import type { GatewayState } from "../gateway-state.ts"
import type { AnalysisProgress } from "../progress.ts"

type Part<Name extends string, A> = [A] extends [never] ? unknown : { readonly [N in Name]: A }

/** What was sent, decoded, in the parts in which HTTP brings it. */
export type Parts<Params, Query, Payload> = Part<"params", Params> & Part<"query", Query> & Part<"payload", Payload>

/** Who asks, and how. */
export interface Circumstances {
  readonly caller: Caller
  /** The id under which it is to be followed, where one came beside what is asked. */
  readonly correlationId: string | undefined
  /** Told how far it has come; nothing where nobody wants to know. */
  readonly tell: ((progress: AnalysisProgress) => void) | undefined
}

export type Headers = { readonly [name: string]: string }

/** What runs. */
export interface Task<A> {
  readonly result: Effect.Effect<A, OperationFailure, Actors | GatewayState>
  /** The id under which it is followed: the log and problem documents name it. */
  readonly correlationId?: string
  /** What HTTP says in headers besides; `result` is nothing where it failed. */
  readonly headers?: (result: A | undefined) => Headers
}

/** An operation of the WebSocket: its name, and what it holds besides `op` and `id`. */
export interface SocketOperation<P> {
  readonly op: string
  readonly read: (json: unknown) => Result.Result<SocketRequest<P>, SchemaIssue.Issue>
}

export interface SocketRequest<P> {
  /** What is asked, in the parts of HTTP. */
  readonly parts: P
  /** Whether the client wants to hear how far it has come. */
  readonly progress: boolean
}

/** `toParts`: what the fields are in the parts of HTTP. `progress`: whether they ask for how far it has come; nobody does unless given. */
export const socketOperation = <A, P>(
  op: string,
  schema: Schema.Decoder<A>,
  toParts: (fields: A) => P,
  progress: (fields: A) => boolean = () => false
): SocketOperation<P> => {
  const decode = SchemaParser.decodeUnknownResult(schema)
  return {
    op,
    read: (json) => Result.map(decode(json), (fields) => ({ parts: toParts(fields), progress: progress(fields) }))
  }
}

/** What is said of an address, and for whom it is. */
interface Described {
  /** What it is for, in one line: of the description of the API. */
  readonly summary: string
  /** The same in the list of addresses, where that shows an example. */
  readonly listed?: string
  readonly access: Access
}

/** One row of the table, beside its endpoint. */
interface Row<Params, Query, Payload, Success> extends Described {
  /** The operation of the WebSocket that does the same. */
  readonly socket?: SocketOperation<Parts<Params, Query, Payload>>
  readonly run: (asked: Parts<Params, Query, Payload> & Circumstances) => Task<Success>
}

/** What an operation answered, as a JSON object. */
export interface Answer {
  readonly json: object
  readonly headers: Headers
}

/** A task as the protocols know it: what it gives is encoded. */
export interface Running {
  readonly answer: Effect.Effect<Answer, OperationFailure, Actors | GatewayState>
  readonly correlationId: string | undefined
  /** What HTTP says in headers where it fails. */
  readonly headers: Headers
}

/** What was sent by HTTP, as it came. */
export type RawParts = { readonly [part in "params" | "query" | "payload"]: unknown }

/** The methods that are spoken. */
type Method = "GET" | "POST"

/** Where something is, and for whom. */
export interface Address {
  readonly method: Method
  /** With `:name` for what it leaves open. */
  readonly path: string
  /** The names of what it leaves open, in their order. */
  readonly params: ReadonlyArray<string>
  /** The names of what is in the query. */
  readonly query: ReadonlyArray<string>
  /** What it is for, in the list of addresses. */
  readonly listed: string
  readonly access: Access
}

/** An operation as HTTP and WebSocket find it in the table. */
export interface OperationEntry extends Address {
  /** The status of what went well. */
  readonly status: number
  readonly socket: SocketOperation<unknown> | undefined
  readonly decode: (raw: RawParts) => Result.Result<unknown, Fault>
  /** Begins it. `parts` come from `decode` or from `socket`. */
  readonly begin: (parts: unknown, circumstances: Circumstances) => Running
}

/** Where an endpoint of the API keeps where it is, and for whom. */
export class AddressOf extends Context.Service<AddressOf, Address>()("conclave/gateway/AddressOf") {}

/** Where an endpoint of the API keeps what it does. */
export class EntryOf extends Context.Service<EntryOf, OperationEntry>()("conclave/gateway/EntryOf") {}

/** Where an endpoint is, and for whom. */
export const addressOf = (
  { method, path, query }: Pick<HttpApiEndpoint.Top, "path" | "query"> & { readonly method: Method },
  { summary, listed = summary.charAt(0).toLowerCase() + summary.slice(1), access }: Described
): Address => ({ method, path, params: paramsOf(path), query: namesOf(query), listed, access })

/** What an endpoint of the API says of its address. */
export const annotations = ({ summary }: Described, address: Address) =>
  Context.add(OpenApi.annotations({ summary }), AddressOf, address)

/** The names of what a path leaves open. */
const paramsOf = (path: string): ReadonlyArray<string> => [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name)

const namesOf = (struct: Schema.Top | undefined): ReadonlyArray<string> =>
  struct !== undefined && SchemaAST.isObjects(struct.ast)
    ? struct.ast.propertySignatures.map(({ name }) => String(name))
    : []

/** A schema of what goes over the wire: it needs no services, which the library's type of it does not say. */
const plain = <Encoded = unknown>(schema: Schema.Top) => schema as Schema.Codec<unknown, Encoded>

/** Reads the parts that an endpoint has: of what is wrong with them the first fault is told, of the body before all else. */
const decoding = ({ payload, params, query }: Pick<HttpApiEndpoint.Top, "payload" | "params" | "query">) => {
  const [body] = [...payload.values()].flatMap(({ schemas }) => [...schemas])
  const schemas = { payload: body, params, query }
  const parts = PARTS.flatMap((name) => {
    const schema = schemas[name]
    return schema === undefined ? [] : [{ name, decode: Schema.decodeUnknownResult(plain(schema), STRICTNESS[name]) }]
  })
  return (raw: RawParts): Result.Result<{ readonly [part: string]: unknown }, Fault> => {
    const decoded: { [part: string]: unknown } = {}
    for (const { name, decode } of parts) {
      const part = decode(raw[name])
      if (Result.isFailure(part)) return Result.fail(faultOf(part.failure))
      decoded[name] = part.success
    }
    return Result.succeed(decoded)
  }
}

const PARTS = ["payload", "params", "query"] as const
const STRICTNESS = { payload: { onExcessProperty: "error" }, params: {}, query: {} } as const

/** Adds a row to the table: the endpoint says what HTTP brings and gets, the row all else. */
export const operation = <
  Id extends string,
  Verb extends Method,
  Path extends string,
  Params extends Schema.Top,
  Query extends Schema.Top,
  Payload extends Schema.Top,
  Head extends Schema.Top,
  Success extends Schema.Top,
  Failures extends Schema.Top
>(
  endpoint: HttpApiEndpoint.HttpApiEndpoint<Id, Verb, Path, Params, Query, Payload, Head, Success, Failures>,
  row: Row<Params["Type"], Query["Type"], Payload["Type"], Success["Type"]>
) => {
  const [success = Schema.Void] = endpoint.success
  const encode = Schema.encodeUnknownEffect(plain<object>(success))
  const entry: OperationEntry = {
    ...addressOf(endpoint, row),
    status: SchemaAST.resolveAt<number>("httpApiStatus")(success.ast) ?? 200,
    socket: row.socket,
    decode: decoding(endpoint),
    begin: (parts, circumstances) => {
      // The endpoint's own schemas, or those of `socket`, decoded it: the library keeps them without their types.
      const own = parts as Parts<Params["Type"], Query["Type"], Payload["Type"]>
      const { result, correlationId, headers = () => ({}) } = row.run(Object.assign({}, own, circumstances))
      return {
        correlationId,
        headers: headers(undefined),
        answer: Effect.flatMap(result, (found) =>
          Effect.map(Effect.orDie(encode(found)), (json) => ({ json, headers: headers(found) }))
        )
      }
    }
  }
  return endpoint.annotateMerge(annotations(row, entry)).annotate(EntryOf, entry)
}
