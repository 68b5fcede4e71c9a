// The configuration of one's own that commands take.
import { Console, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import { CONFIG_FILES, type ConfigUnusable, type Extension, loadExtension } from "../../extension/index.ts"

export const configFlag = Flag.String("config").pipe(
  Flag.withDescription(
    `Own agents, tools and panels (default: ${CONFIG_FILES[0]} of the working folder, if there is one)`
  ),
  Flag.withMetavar("FILE"),
  Flag.optional
)

/** The configuration that is named, or lies in the working folder; says on standard error which it took without being told. */
export const extensionOf = (file: Option.Option<string>): Effect.Effect<Extension, ConfigUnusable> =>
  Effect.tap(loadExtension(Option.getOrUndefined(file), process.cwd()), ({ file: found, agents }) =>
    found === undefined || Option.isSome(file)
      ? Effect.void
      : Console.error(
          `${found} is used${agents.length === 0 ? "" : `, with ${agents.map(({ type }) => type).join(", ")}`}`
        )
  )
