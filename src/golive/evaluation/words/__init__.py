"""Words: every text of the report, in English and Chinese, one file a chapter."""
