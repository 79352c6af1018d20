#!/usr/bin/env node
import { runService } from './service.js';

await runService();
