"""All three stages on OpenAI's API or any server that speaks it, such as speaches, vLLM or Ollama."""
