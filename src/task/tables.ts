export const TASK_TABLES = ``;
