/**
 * What the methods of the board take.
 * @module
 */
import {
  anything,
  fields,
  type FieldTable,
  flag,
  list,
  options,
  signal,
  text,
} from "../arguments.ts";
import { PRUNE_FIELDS } from "../prune.ts";
import type {
  InboxOptions,
  InboxWaitOptions,
  ListThreadsOptions,
  PageOptions,
  PostOptions,
  PruneThreadsOptions,
  ReplyOptions,
  ShowOptions,
} from "./options.ts";

const PAGE: FieldTable<PageOptions> = { limit: anything, cursor: anything };
const INBOX: FieldTable<InboxOptions> = { limit: anything, ack: flag };

/** How the arguments of {@linkcode Board} are read. */
export const BOARD_ARGUMENTS = {
  post: {
    options: fields<PostOptions>({
      title: anything,
      message: anything,
      priority: anything,
      tags: list(),
      to: list(),
      key: anything,
    }),
  },
  reply: {
    id: text,
    options: fields<ReplyOptions>({
      message: anything,
      to: list(),
      status: anything,
      key: anything,
    }),
  },
  resolve: { id: text, options: options<{ message?: string }>({ message: anything }) },
  get: { id: text },
  show: { id: text, options: options<ShowOptions>(PAGE) },
  list: {
    options: options<ListThreadsOptions>({
      ...PAGE,
      status: anything,
      tags: list(),
      author: anything,
    }),
  },
  search: { words: anything, options: options(PAGE) },
  counts: {},
  inbox: { options: options(INBOX) },
  addressed: { options: options<Pick<InboxOptions, "limit">>({ limit: anything }) },
  addressedWait: {
    options: options<Omit<InboxWaitOptions, "ack">>({
      limit: anything,
      timeoutMs: anything,
      signal,
    }),
  },
  inboxWait: {
    options: options<InboxWaitOptions>({ ...INBOX, timeoutMs: anything, signal }),
  },
  ack: { options: options<{ upTo?: string }>({ upTo: anything }) },
  prune: {
    options: options<PruneThreadsOptions>({ ...PRUNE_FIELDS, statuses: list() }),
  },
};
