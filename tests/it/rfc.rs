//! Requirements of RFC 7643, 7644 and 9865 that servers break, each a test named by its row (`e3_12_…`) over HTTP.
