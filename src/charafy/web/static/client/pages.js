// A list of the API: item by item, page by page, or whole.

export class List {
  /**
   * @param {(cursor?: string) => Promise<object>} load a page's answer
   * @param {string} field of the answer that holds the items
   */
  constructor(load, field) {
    this.load = load;
    this.field = field;
  }

  /** One page; the first without a cursor. */
  async page(cursor) {
    const answer = await this.load(cursor);
    return { items: answer[this.field], nextCursor: answer.next_cursor ?? null };
  }

  async *pages() {
    let cursor;
    do {
      const page = await this.page(cursor);
      yield page;
      cursor = page.nextCursor;
    } while (cursor);
  }

  async *[Symbol.asyncIterator]() {
    for await (const { items } of this.pages()) yield* items;
  }

  /** @param {number} [most] stop there */
  async toArray(most = Infinity) {
    const items = [];
    if (most > 0) {
      for await (const item of this) {
        if (items.push(item) >= most) break;
      }
    }
    return items;
  }
}
