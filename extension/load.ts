import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Effect, Schema } from "effect"
import { type Agent, toDefinition } from "./agent.ts"
import { type ConclaveConfig, type Extension, NO_EXTENSION } from "./config.ts"
import { faultsOf } from "./rules.ts"

/** A configuration cannot be used; the sentence names the file, the field and the rule. Trying again does not help. */
export class ConfigUnusable extends Schema.TaggedError<ConfigUnusable>()("ConfigUnusable", {
  file: Schema.String,
  /** Its path, `agents.0.type`; empty where the whole is meant. */
  field: Schema.String,
  rule: Schema.String
}) {
  override get message() {
    return this.field === "" ? `${this.file}: ${this.rule}` : `${this.file}: \`${this.field}\`: ${this.rule}`
  }
}

/** The files that are looked for, in this order. */
export const CONFIG_FILES = ["conclave.config.ts", "conclave.config.mjs", "conclave.config.js"] as const

/**
 * The configuration of a file; without one, of the first of `CONFIG_FILES` that is in the folder, if any is. It runs the file. Fails with
 * the first fault.
 */
export const loadExtension = (file: string | undefined, folder: string): Effect.Effect<Extension, ConfigUnusable> =>
  Effect.gen(function* () {
    const found = file ?? CONFIG_FILES.find((name) => existsSync(resolve(folder, name)))
    if (found === undefined) return NO_EXTENSION
    const failed = (rule: string, field = "") => new ConfigUnusable({ file: found, field, rule })
    const path = resolve(folder, found)
    if (!existsSync(path)) return yield* failed("there is no such file")
    const { default: config } = yield* Effect.tryPromise({
      try: (): Promise<{ readonly default?: unknown }> => import(pathToFileURL(path).href),
      catch: (cause) => failed(`cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`)
    })
    return yield* toExtension(config, found)
  })

/** A configuration as commands take it. Fails with its first fault; `file` is what is named then. */
export const toExtension = (config: unknown, file: string): Effect.Effect<Extension, ConfigUnusable> => {
  const [first] = faultsOf(config)
  if (first !== undefined || !isChecked(config)) {
    return new ConfigUnusable({ file, field: first?.field ?? "", rule: first?.rule ?? "is not valid" })
  }
  const { agents = [], tools = {}, panels = {}, models = {}, actors = [], expectations = {} } = config
  const own = agents.map((agent: Agent) => toDefinition(agent))
  const named = own.flatMap(({ type, model }) => (model === undefined ? [] : [[type, model] as const]))
  return Effect.succeed({
    ...{ file, agents: own, tools, panels, actors },
    models: new Map([...Object.entries(models), ...named]),
    expectations: new Map(Object.entries(expectations))
  })
}

/** What has no fault is of this type: the rules check all of it. */
const isChecked = (config: unknown): config is ConclaveConfig => faultsOf(config).length === 0
