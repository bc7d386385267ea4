"""A vendor that exchanges files: stock, answers and shipments come in as CSV, orders go out, in a folder or over SFTP."""
