"""What a person opens in a browser: a landing page, and the documentation that can be tried."""
