"""Tests of the flatfile adapter against a folder and a real SFTP server."""
