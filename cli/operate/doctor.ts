// `conclave doctor`: what of settings, machine, server and system is not as it should be, and what to do about it.
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { configuration, settings } from "../config.ts"
import { optionOr } from "../options.ts"
import { plain } from "../table.ts"
import type { Finding } from "./finding.ts"
import { checkMachine, checkSettings } from "./machine-checks.ts"
import { NotAll, operatorFlags } from "./operate.ts"
import { checkSystem } from "./system-checks.ts"

const MARKS = { good: "ok  ", warning: "WARN", bad: "BAD " } as const

const lineOf = ({ level, area, text, remedy }: Finding): string =>
  `${MARKS[level]}  ${area.padEnd(8)}  ${plain(text)}${remedy === undefined ? "" : `\n                  → ${remedy}`}`

/** `conclave doctor`. It changes nothing. Fails where something is bad. */
export const doctor = Command.make("doctor", operatorFlags, ({ nats, data, json }) =>
  Effect.gen(function* () {
    const found = [...(yield* checkSettings)]
    // With a setting that cannot be used nobody knows what else is meant.
    if (!found.some(({ level }) => level === "bad")) {
      const config = yield* configuration
      const folder = yield* optionOr(data, "--data", settings.dataFolder, config.dataFolder)
      found.push(...(yield* checkMachine(config, folder)), ...(yield* checkSystem(config, nats, folder)))
    }
    yield* Console.log(json ? JSON.stringify(found, null, 2) : found.map(lineOf).join("\n"))
    const wrong = found.filter(({ level }) => level === "bad").length
    if (wrong > 0) yield* new NotAll({ detail: wrong === 1 ? "one thing is wrong" : `${wrong} things are wrong` })
  })
).pipe(Command.withDescription("What of settings, machine, server and system is not as it should be, and the remedy"))
