"""Words: every text of the documents, in English and Chinese, one file a document."""
