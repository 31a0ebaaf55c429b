"""What is sent, when it is sent, and what must hold."""
