#!/usr/bin/env node
// The command `conclave` of the installed package. It has no build step and no packages of its own to bring: at most a nats-server.
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { CACHE } from "./nats-server.mjs"
import { prepareServer } from "./prepare.mjs"
import { giveUp } from "./say.mjs"
import { startsServer } from "./starts-server.mjs"

enableCompileCache(join(CACHE, "compiled"))
if (startsServer(process.argv.slice(2))) await prepareServer(CACHE).catch(giveUp)
await import("../cli/main.ts")
