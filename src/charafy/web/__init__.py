"""The room that every page shares: layout, design system, words in both languages."""
