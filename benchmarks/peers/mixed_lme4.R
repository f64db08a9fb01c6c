# lme4 and its like, by maximum likelihood and Laplace: lmer, glmer, glmer.nb, and clmm of the package ordinal.
# Rscript mixed_lme4.R FOLDER LIKELIHOOD FORMULA CALLS; reads FOLDER/rows.csv, and writes clock.csv, parameters.csv,
# groups.csv and note.txt there. Seconds are those of the fit alone: reading, vcov and ranef are not on the clock.
given <- commandArgs(trailingOnly = TRUE)
place <- function(name) file.path(given[1], name)
likelihood <- given[2]
formula <- as.formula(given[3])
suppressMessages(library(lme4))
if (likelihood == "ordinal") suppressMessages(library(ordinal))

data <- read.csv(place("rows.csv"))
for (name in grep("^g[0-9]+$", names(data), value = TRUE)) data[[name]] <- factor(data[[name]])
if (likelihood == "ordinal") data$y <- factor(data$y, ordered = TRUE)
fit_once <- switch(likelihood,
  gaussian = function() lmer(formula, data, REML = FALSE),
  bernoulli = , binomial = function() glmer(formula, data, family = binomial),
  poisson = function() glmer(formula, data, family = poisson),
  "negative-binomial" = function() glmer.nb(formula, data),
  ordinal = function() clmm(formula, data = data)
)

clock <- NULL
said <- character()
for (turn in seq_len(as.integer(given[4]))) {
  gc()
  begun <- proc.time()
  said <- character()
  fit <- withCallingHandlers(fit_once(), warning = function(w) {
    said <<- c(said, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  used <- proc.time() - begun
  clock <- rbind(clock, data.frame(wall = used[["elapsed"]], cpu = sum(used[-3])))
}
write.csv(clock, place("clock.csv"), row.names = FALSE)

if (likelihood == "ordinal") {
  fixed <- coef(fit)
  covariance <- vcov(fit)[names(fixed), names(fixed)]
  scales <- data.frame(name = sprintf("sd(%s:Intercept)", names(VarCorr(fit))), value = sqrt(unlist(VarCorr(fit))), sd = NA)
  effects <- lapply(ordinal::ranef(fit), as.data.frame)
  kind <- ifelse(grepl("|", names(fixed), fixed = TRUE), sprintf("threshold[%s]", names(fixed)), names(fixed))
} else {
  fixed <- fixef(fit)
  covariance <- vcov(fit)
  parts <- as.data.frame(VarCorr(fit))
  label <- ifelse(parts$grp == "Residual", "sigma", ifelse(is.na(parts$var2),
    sprintf("sd(%s:%s)", parts$grp, parts$var1), sprintf("cor(%s:%s,%s)", parts$grp, parts$var1, parts$var2)))
  scales <- data.frame(name = label, value = parts$sdcor, sd = NA)
  if (likelihood == "negative-binomial") {
    scales <- rbind(scales, data.frame(name = "phi", value = getME(fit, "glmer.nb.theta"), sd = NA))
  }
  effects <- lapply(ranef(fit, condVar = FALSE), as.data.frame)
  kind <- names(fixed)
}
found <- data.frame(name = kind, value = unname(fixed), sd = sqrt(diag(as.matrix(covariance))))
write.csv(rbind(found, scales), place("parameters.csv"), row.names = FALSE)
groups <- do.call(rbind, lapply(names(effects), function(g) do.call(rbind, lapply(names(effects[[g]]), function(term)
  data.frame(factor = g, term = term, level = rownames(effects[[g]]), mean = effects[[g]][[term]])))))
write.csv(groups, place("groups.csv"), row.names = FALSE)
writeLines(unique(said), place("note.txt"))
