"""The page: sections and records in, one self-contained HTML file or Markdown out."""
