export const APPROVAL_TABLES = ``;
