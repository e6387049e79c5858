raise KeyError("config")
