export const BOARD_TABLES = ``;
