"""Phrases: every text of the report, in English and Chinese, in one table."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from golive.errors import UsageError

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Say = Callable[..., str]

_TABLE: Mapping[str, tuple[str, str]] = {
    "title": ("Evaluation of {name}", "{name} 评估报告"),
    "measured": ("Measured {time} on {rows} test rows", "测量时间 {time}，测试数据 {rows} 行"),
    "outcome.pass": ("Passed the gate", "通过门禁"),
    "outcome.fail": ("Refused by the gate", "未通过门禁"),
    "outcome.not-enough-data": ("Not enough data to decide", "数据不足，无法判定"),
    "outcome.none": ("Not judged", "尚未判定"),
    "mark.pass": ("holds", "满足"),
    "mark.fail": ("does not hold", "不满足"),
    "mark.not-enough-data": ("not enough data", "数据不足"),
    "forced": ("Released against the verdict; the reason given: {reason}", "在未通过的情况下强制发布，理由：{reason}"),
    "verdict": ("Verdict", "判定"),
    "verdict.none": ("No policy has been applied to this evaluation.", "本次评估尚未应用门禁规则。"),
    "verdict.empty": ("The policy has no rules.", "门禁规则为空。"),
    "rule": ("Rule", "规则"),
    "result": ("Result", "结果"),
    "finding": ("Finding", "说明"),
    "finding.value": ("the value is {value}; the bound is {bound}", "实测值 {value}，界限 {bound}"),
    "finding.missing": ("not measured", "未测量"),
    "finding.nobody": ("no other model is live to compare with", "没有其他线上模型可供比较"),
    "numbers": ("Numbers", "指标"),
    "numbers.about": (
        "Intervals hold the true value in about 95 of 100 repetitions. Differences are paired: same rows, model "
        "minus the other; a filled mark means that the whole interval lies on one side of zero.",
        "区间为 95% 置信区间。差值在相同的行上成对计算（模型减去对方）；实心标记表示整个区间都在零的同一侧。",
    ),
    "measure": ("Measure", "指标"),
    "model": ("Model", "模型"),
    "baseline": ("Baseline", "基线"),
    "champion": ("Live model", "线上模型"),
    "against.baseline": ("Difference to baseline", "与基线之差"),
    "against.champion": ("Difference to live model", "与线上模型之差"),
    "better": ("better", "更好"),
    "worse": ("worse", "更差"),
    "unclear": ("no clear difference", "差异不明显"),
    "baseline.regression": (
        "The baseline answers every row with the mean of the training target.",
        "基线对每一行都回答训练目标的均值。",
    ),
    "baseline.classification": (
        "The baseline answers every row with the class shares of the training rows.",
        "基线对每一行都回答训练数据中的类别占比。",
    ),
    "champion.none": ("Nothing was live to compare with.", "没有线上模型可供比较。"),
    "champion.self": ("This bundle is the live model itself.", "本模型就是线上模型。"),
    "champion.is": ("The live model is {digest}.", "线上模型为 {digest}。"),
    "tile": ("95 %: {interval}", "95%：{interval}"),
    "other": ("Other measures", "其他指标"),
    "value": ("Value", "值"),
    "interval": ("95 % interval", "95% 区间"),
    "method": ("Method", "方法"),
    "remark": ("Remark", "备注"),
    "notes": ("Notes", "注意"),
    "plots": ("Plots", "图表"),
    "plot.predicted": ("Predicted against actual", "预测值与真实值"),
    "plot.residuals": ("Residuals", "残差"),
    "plot.deciles": ("Error by decile of the prediction", "按预测值十分位的误差"),
    "plot.confusion": ("Confusion matrix", "混淆矩阵"),
    "plot.roc": ("ROC curve", "ROC 曲线"),
    "plot.pr": ("Precision and recall", "精确率与召回率"),
    "plot.calibration": ("Calibration", "概率校准"),
    "plot.scores": ("Score distribution", "得分分布"),
    "axis.actual": ("Actual", "真实值"),
    "axis.predicted": ("Predicted", "预测值"),
    "axis.residual": ("Predicted − actual", "预测值 − 真实值"),
    "axis.decile": ("Decile of the prediction, low to high", "预测值十分位（由低到高）"),
    "axis.mae": ("Mean absolute error", "平均绝对误差"),
    "axis.fpr": ("False-positive rate", "假正率"),
    "axis.tpr": ("True-positive rate", "真正率"),
    "axis.recall": ("Recall", "召回率"),
    "axis.precision": ("Precision", "精确率"),
    "axis.stated": ("Stated probability", "预测概率"),
    "axis.observed": ("Observed share", "实际占比"),
    "axis.rows": ("Rows", "行数"),
    "alt.predicted": (
        "{rows} test rows: predicted against actual value, with the line of perfect answers; RMSE {rmse}",
        "{rows} 行测试数据的预测值与真实值散点图及理想直线；RMSE {rmse}",
    ),
    "alt.residuals": (
        "{rows} test rows: predicted minus actual value against the prediction, around the zero line",
        "{rows} 行测试数据的残差随预测值的分布及零线",
    ),
    "alt.deciles": (
        "Mean absolute error in ten equal groups of rows by prediction, from {first} (lowest) to {last} (highest)",
        "按预测值分为十组的平均绝对误差，最低组 {first}，最高组 {last}",
    ),
    "alt.roc": ("ROC curve; area under it: {areas}", "ROC 曲线；曲线下面积：{areas}"),
    "alt.pr": ("Precision against recall for {labels}", "{labels} 的精确率–召回率曲线"),
    "alt.calibration": (
        "Observed share against stated probability in {bins} bins, with 95 % intervals and the line of honesty",
        "{bins} 个区间内实际占比与预测概率的对比，含 95% 区间与理想直线",
    ),
    "alt.scores": (
        "Number of rows by the probability stated for {label}: rows of that class and all others",
        "按 {label} 的预测概率统计的行数：该类与其他类",
    ),
    "confusion.about": (
        "Rows are true classes, columns are decisions; the share is of the row.",
        "行为真实类别，列为判定类别；百分比按行计算。",
    ),
    "confusion.threshold": (
        "{label} is decided when its probability is above {threshold}.",
        "当 {label} 的概率高于 {threshold} 时判为该类。",
    ),
    "confusion.many": (
        "With {count} classes the matrix is too wide to print; the numbers by class follow.",
        "共有 {count} 个类别，矩阵过宽不便展示；各类别指标见下。",
    ),
    "scores.other": ("other rows", "其他类的行"),
    "per_class": ("By class", "分类别指标"),
    "class": ("Class", "类别"),
    "actual": ("Actual", "真实"),
    "rows": ("Rows", "行数"),
    "worst": ("Rows with the largest errors", "误差最大的行"),
    "row": ("Test row", "测试行号"),
    "residual": ("Error", "误差"),
    "probability": ("Probability given to it", "模型给出的概率"),
    "trials": ("Models tried", "尝试过的模型"),
    "trials.about": (
        "Mean score over the validation folds, greater is better; errors count as negative scores.",
        "验证折上的平均得分，越大越好；误差类指标取负值。",
    ),
    "trials.more": ("{count} more trials with lower scores are not shown.", "另有 {count} 次得分较低的尝试未列出。"),
    "candidate": ("Candidate", "候选模型"),
    "parameters": ("Parameters", "参数"),
    "score": ("Score", "得分"),
    "std": ("Std. dev.", "标准差"),
    "fit": ("Fit time", "训练耗时"),
    "chosen": ("chosen", "选用"),
    "failed": ("failed: {reason}", "失败：{reason}"),
    "data": ("Data", "数据"),
    "data.rows": (
        "{before} rows came in, {after} were left after cleaning: {train} to train on, {test} to test on.",
        "读入 {before} 行，清洗后剩余 {after} 行：训练 {train} 行，测试 {test} 行。",
    ),
    "changes": ("What cleaning changed", "清洗所做的更改"),
    "changes.none": ("Cleaning changed nothing.", "清洗未做任何更改。"),
    "action": ("Action", "动作"),
    "action.drop": ("row dropped", "删除整行"),
    "action.missing": ("read as missing", "视为缺失"),
    "action.clip": ("clipped", "截断"),
    "rule.duplicates": ("duplicate rows", "重复行"),
    "rule.missing_target": ("missing target", "目标缺失"),
    "rule.wrong_types": ("wrong type", "类型错误"),
    "rule.missing_codes": ("missing code", "缺失代码"),
    "rule.ranges": ("out of range", "超出范围"),
    "rule.outliers": ("outlier", "离群值"),
    "cells": ("Cells", "单元格"),
    "examples": ("Examples", "示例"),
    "columns": ("Columns", "列"),
    "column": ("Column", "列名"),
    "kind": ("Kind", "类型"),
    "kind.number": ("number", "数值"),
    "kind.category": ("category", "类别"),
    "kind.date": ("date", "日期"),
    "kind.text": ("text", "文本"),
    "kind.dropped": ("dropped", "弃用"),
    "kind.target": ("target", "目标"),
    "missing": ("Missing", "缺失"),
    "distinct": ("Distinct", "不同值"),
    "minimum": ("Minimum", "最小值"),
    "mean": ("Mean", "均值"),
    "maximum": ("Maximum", "最大值"),
    "top": ("Most frequent", "最常见"),
    "parity": ("Proof of parity", "一致性证明"),
    "parity.about": (
        "The packaged model was compared with the fitted one on {rows} rows.",
        "已在 {rows} 行上比较打包后的模型与训练得到的模型。",
    ),
    "signature": ("Signature", "输入与输出"),
    "signature.output": ("Output: {target}", "输出：{target}"),
    "field": ("Field", "字段"),
    "type": ("Type", "类型"),
    "may.miss": ("May be missing", "可缺失"),
    "seen": ("Seen in training", "训练中所见"),
    "unit": ("Unit", "单位"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "more.values": ("and {count} more", "等共另 {count} 个"),
    "lineage": ("Where it comes from", "来源"),
    "bundle": ("Bundle", "模型包"),
    "data.digest": ("Test rows", "测试数据"),
    "source": ("Source {name}", "数据源 {name}"),
    "fitted.rows": ("Rows fitted on", "训练行数"),
    "code": ("Code", "代码"),
    "seed": ("Seed", "随机种子"),
    "estimator": ("Estimator", "估计器"),
    "environment": ("Environment", "环境"),
    "parent": ("Made from", "源自"),
    "foot": (
        "Made by golive {code}. This page is complete in itself.",
        "由 golive {code} 生成。本页自成一体，无需联网。",
    ),
    "metric.rmse": ("RMSE", "均方根误差 RMSE"),
    "metric.mse": ("MSE", "均方误差 MSE"),
    "metric.mae": ("MAE", "平均绝对误差 MAE"),
    "metric.r2": ("R²", "决定系数 R²"),
    "metric.mape": ("MAPE (share)", "平均绝对百分比误差 MAPE（比例）"),
    "metric.median_absolute_error": ("Median absolute error", "绝对误差中位数"),
    "metric.accuracy": ("Accuracy", "准确率"),
    "metric.balanced_accuracy": ("Balanced accuracy", "平衡准确率"),
    "metric.precision": ("Precision", "精确率"),
    "metric.recall": ("Recall", "召回率"),
    "metric.f1": ("F1", "F1 值"),
    "metric.auc": ("ROC-AUC", "ROC 曲线下面积 AUC"),
    "metric.pr_auc": ("PR-AUC", "PR 曲线下面积"),
    "metric.log_loss": ("Log loss", "对数损失"),
    "metric.brier": ("Brier score", "Brier 分数"),
    "metric.ece": ("Calibration error", "校准误差 ECE"),
    "metric.size_mb": ("Bundle size (MB)", "模型包大小（MB）"),
    "metric.invalid_predictions": ("Rows without a valid prediction", "没有有效预测的行"),
    "metric.unusable_truths": ("Rows without a usable truth", "没有可用真值的行"),
    "metric.parity.difference": ("Greatest difference", "最大差异"),
    "metric.parity.flipped": ("Rows with another label", "标签不一致的行"),
    "metric.parity.ties": ("Rows at a tie", "处于平局的行"),
    "metric.parity.single_row": ("Difference of single rows to a batch", "单行与批量预测的差异"),
    "metric.float32.difference": ("Difference if numbers were float32", "数值改用 float32 时的差异"),
    "metric.float32.flipped": ("Other labels if numbers were float32", "数值改用 float32 时不一致的标签"),
    "fact.tolerance": ("Tolerance", "容差"),
    "fact.test_rows": ("Test rows", "测试行"),
    "fact.boundary_rows": ("Rows at boundaries", "边界行"),
    "fact.refused_rows": ("Rows refused by both", "双方均拒绝的行"),
    "fact.unanswered_rows": ("Rows without an answer", "没有回答的行"),
    "fact.worst_row": ("Row with the greatest difference", "差异最大的行"),
    "metric.latency.p50_ms": ("Latency, median (ms)", "延迟中位数（毫秒）"),
    "metric.latency.p99_ms": ("Latency, 99th percentile (ms)", "延迟 99 分位（毫秒）"),
    "note.unknown_labels": (
        "{count} test rows have a label that the model does not know and are left out.",
        "{count} 行测试数据的标签不在模型已知类别中，未计入。",
    ),
    "note.missing_truth": (
        "{count} test rows have no true value and are left out.",
        "{count} 行测试数据没有真值，未计入。",
    ),
    "note.no_rows": ("There is no test row to measure on.", "没有可用于测量的测试行。"),
    "note.few_rows": (
        "With {count} test rows the intervals may be a little too narrow.",
        "测试数据仅 {count} 行，区间可能略窄。",
    ),
    "note.absent_classes": (
        "These classes do not occur in the test rows: {labels}.",
        "测试数据中没有出现以下类别：{labels}。",
    ),
    "note.constant": (
        "The model gives the same answer for every test row.",
        "模型对每一行测试数据给出相同的回答。",
    ),
    "note.undefined": ("{metric} does not exist on these test rows.", "在这些测试行上无法计算 {metric}。"),
    "note.invalid_predictions.model": (
        "The model gave no number for {count} rows and is not measured.",
        "模型在 {count} 行上未给出有效数值，因此未测量。",
    ),
    "note.invalid_predictions.champion": (
        "The live model gave no number for {count} rows and is not measured.",
        "线上模型在 {count} 行上未给出有效数值，因此未测量。",
    ),
    "note.invalid_predictions.baseline": (
        "The baseline gave no number for {count} rows and is not measured.",
        "基线在 {count} 行上未给出有效数值，因此未测量。",
    ),
}


def phrases(language: Language) -> Say:
    """Give the function that turns a key and its numbers into a sentence.

    A key that is not in the table gives its last part, so a measure made elsewhere shows under its own name.

    Raises:
        UsageError: there is no text in that language.
    """
    if language not in LANGUAGES:
        message = f"the report has no text in {language!r}; choose one of {', '.join(LANGUAGES)}"
        raise UsageError(message)
    column = LANGUAGES.index(language)

    def say(key: str, /, **numbers: Any) -> str:
        if key not in _TABLE:
            return key.partition(".")[2] or key
        return _TABLE[key][column].format(**numbers)

    return say


def table() -> Mapping[str, tuple[str, str]]:
    """Give every phrase in both languages."""
    return _TABLE
